//! Which log objects are wanted, by what their names say.

use super::super::error::Failure;
use crate::aws::Choice;
use crate::cloudtrail::object_name;
use crate::model::Day;
use clap::Args;

/// Chooses log objects by their names. Files whose names do not follow CloudTrail's layout are always read.
#[derive(Args, Debug, Clone)]
pub(super) struct Filter {
    /// Only log objects delivered on this day or later
    #[arg(long, value_name = "DAY")]
    pub(super) since: Option<String>,
    /// Only log objects delivered on this day or before
    #[arg(long, value_name = "DAY")]
    pub(super) until: Option<String>,
    /// Only log objects of these accounts
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub(super) accounts: Vec<String>,
    /// Only log objects of these regions
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) regions: Vec<String>,
}

/// The same, understood.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) since: Option<Day>,
    pub(super) until: Option<Day>,
    pub(super) accounts: Vec<String>,
    pub(super) regions: Vec<String>,
}

impl Filter {
    /// Understands the filter.
    pub(super) fn resolve(&self, parse: &dyn Fn(&str) -> Option<Day>) -> Result<Wanted, Failure> {
        let day = |option: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => parse(text).map(Some).ok_or_else(|| {
                Failure::usage(format!("--{option}: {text:?} is not a day")).hint("write 2026-10-01")
            }),
        };
        let (since, until) = (day("since", &self.since)?, day("until", &self.until)?);
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(Failure::usage("--since is after --until"));
        }
        if let Some(account) =
            self.accounts.iter().find(|a| !crate::model::AccountId::new(*a).is_well_formed())
        {
            return Err(Failure::usage(format!("--accounts: {account:?} is not an account id"))
                .hint("account ids have twelve digits"));
        }
        Ok(Wanted { since, until, accounts: self.accounts.clone(), regions: self.regions.clone() })
    }
}

impl Wanted {
    /// The same for the parts of keys in S3.
    pub(super) fn choice(&self) -> Choice {
        let slashed = |day: Option<Day>| day.map(|day| day.to_string().replace('-', "/"));
        Choice {
            accounts: self.accounts.clone(),
            regions: self.regions.clone(),
            since: slashed(self.since),
            until: slashed(self.until),
        }
    }

    /// Whether nothing is left out.
    pub(super) fn wants_all(&self) -> bool {
        self.since.is_none() && self.until.is_none() && self.accounts.is_empty() && self.regions.is_empty()
    }

    /// Whether an object of that label is wanted.
    pub(super) fn wants(&self, label: &str) -> bool {
        let Some(name) = object_name(label) else { return true };
        self.since.is_none_or(|since| name.day >= since)
            && self.until.is_none_or(|until| name.day <= until)
            && (self.accounts.is_empty() || self.accounts.iter().any(|a| a == name.account.as_str()))
            && (self.regions.is_empty() || self.regions.contains(&name.region))
    }
}
