//! AWS as rotation and retirement speak to it.

use super::super::super::error::{ExitKind, Failure};
use super::super::super::terminal::Terminal;
use super::super::s3_source;
use crate::aws::{Access, Aws, AwsError, Budget, Meter};
use crate::ports::{CallError, CallErrorKind, Patience};
use clap::Args;
use std::time::{Duration, Instant};

/// How AWS is spoken to.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsOptions {
    /// Profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Region of secret stores and STS, where the configuration does not say
    #[arg(long, value_name = "NAME")]
    pub(super) region: Option<String>,
    /// Role to take in other accounts than the caller's
    #[arg(long, value_name = "NAME", default_value = super::OPERATOR)]
    pub(super) role_name: String,
    /// External id that those roles ask for
    #[arg(long, value_name = "ID")]
    pub(super) external_id: Option<String>,
    /// MFA device to show first: its ARN or serial number; its code is asked for
    #[arg(long, value_name = "ARN")]
    pub(super) mfa_serial: Option<String>,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) timeout: u64,
}

impl AwsOptions {
    /// Connects, and asks who is asking.
    pub(super) fn connect(&self, terminal: &Terminal) -> Result<Aws, Failure> {
        let mfa = match &self.mfa_serial {
            Some(serial) => Some((serial.clone(), terminal.ask(&format!("MFA code of {serial}: "))?)),
            None => None,
        };
        let access = Access {
            profile: self.profile.clone(),
            region: self.region.clone(),
            role_name: Some(self.role_name.clone()),
            external_id: self.external_id.clone(),
            mfa,
            changes: true,
            answer_within: Some(Duration::from_secs(self.timeout)),
        };
        Aws::connect(&access, Meter::new(Budget::default())).map_err(failed)
    }
}

/// An error on the way to AWS.
pub(super) fn failed(error: AwsError) -> Failure {
    match error {
        AwsError::Failed(..) => {
            Failure::new(error.to_string()).hint("check the network, --profile and --region")
        }
        other => s3_source::failure(other),
    }
}

/// A call that failed before anything was changed.
pub(super) fn refused(error: CallError) -> Failure {
    let failure = Failure::new(error.text);
    match error.kind {
        CallErrorKind::Denied => {
            failure.hint("`offkey permissions rotate` (or retire) prints what is needed")
        }
        CallErrorKind::UnknownCredentials => Failure { kind: ExitKind::Authentication, ..failure },
        _ => failure.hint("nothing was changed; try again"),
    }
}

/// Waits in short naps, so that Ctrl-C is heard.
pub(super) struct Naps<'a>(pub(super) &'a Terminal);

impl Patience for Naps<'_> {
    fn wait(&self, seconds: u64) -> bool {
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            if self.0.stopped() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        !self.0.stopped()
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}
