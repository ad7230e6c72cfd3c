//! Collects an account, or many, part by part: what came is handed out as it comes, what failed is said.

use super::meter::BUDGET;
use super::s3::AwsError;
use super::session::{Account, Aws};
use super::{iam, surroundings, trails};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Accounts that are collected at once. Limits of IAM are by account.
const ACCOUNTS: usize = 8;

/// Requests to one account at once.
const REQUESTS: usize = 6;

/// Why something is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// AWS refused for want of permission.
    Denied,
    /// AWS did not answer, or not in a way that can be used.
    Failed,
    /// The budget was spent.
    NotAsked,
}

/// Something that should have come and did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Why.
    pub kind: ProblemKind,
    /// What was asked and what came back.
    pub detail: String,
}

impl Problem {
    pub(super) fn of(error: &AwsError) -> Self {
        Self::from_text(&error.to_string())
    }

    /// Tells by an error's words what kind of problem it is.
    pub fn from_text(text: &str) -> Self {
        let denied = ["AccessDenied", "UnauthorizedOperation", "not authorized", "Forbidden"];
        let kind = if text.contains(BUDGET) {
            ProblemKind::NotAsked
        } else if denied.iter().any(|word| text.contains(word)) {
            ProblemKind::Denied
        } else {
            ProblemKind::Failed
        };
        Self { kind, detail: text.to_owned() }
    }
}

/// Documents that came together and are complete together.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    /// What it is: `aws/ACCOUNT/…`, the same whenever it is collected again.
    pub name: String,
    /// Account.
    pub account: String,
    /// Kinds, by the ids of inputs, and contents in the form of the AWS CLI's output.
    pub documents: Vec<(&'static str, Value)>,
    /// What of it did not come.
    pub problems: Vec<Problem>,
}

impl Collected {
    pub(super) fn new(account: &str, part: &str) -> Self {
        Self { name: format!("aws/{account}/{part}"), account: account.to_owned(), ..Self::default() }
    }

    /// Keeps an answer's document, or says what went wrong.
    pub(super) fn take(&mut self, kind: &'static str, answer: Result<Value, AwsError>) {
        match answer {
            Ok(content) => self.documents.push((kind, content)),
            Err(error) => self.problems.push(Problem::of(&error)),
        }
    }
}

/// What happens while accounts are collected.
#[derive(Clone, Debug)]
pub enum Happening {
    /// Something came.
    Came(Collected),
    /// All users of an account are known: those of earlier times that are not among them are gone.
    Users(String, Vec<String>),
    /// Regions of an account, and whether AWS itself named them.
    Regions(String, Vec<String>, bool),
    /// A trail's bucket and what its keys begin with, as seen from an account.
    Bucket(TrailBucket),
    /// An account is done.
    Done(String),
}

/// Where a trail's logs are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrailBucket {
    /// Bucket.
    pub bucket: String,
    /// What comes before `AWSLogs/`, without slashes around it; may be empty.
    pub prefix: String,
    /// ARN of the trail.
    pub trail: String,
    /// The account that sees the trail.
    pub account: String,
    /// Whether it records all regions.
    pub everywhere: bool,
}

/// What to collect of each account.
#[derive(Clone, Debug, Default)]
pub struct LivePlan {
    /// Account ids.
    pub accounts: Vec<String>,
    /// Regions to look at; empty for all that are enabled.
    pub regions: Vec<String>,
    /// Whether policies of resources are wanted.
    pub resource_policies: bool,
    /// Names of what a run that was cut short had collected already.
    pub done: BTreeSet<String>,
}

/// What every part of an account's collection has.
pub(super) struct Context {
    pub(super) account: Account,
    pub(super) plan: Arc<LivePlan>,
    pub(super) slots: Arc<Semaphore>,
    /// The time of observation, in RFC 3339.
    pub(super) now: fn() -> String,
    out: mpsc::Sender<Happening>,
}

impl Context {
    /// Whether a run that this one goes on with had it all.
    pub(super) fn has(&self, part: &str) -> bool {
        self.plan.done.contains(&format!("aws/{}/{part}", self.account.id))
    }

    pub(super) async fn say(&self, happening: Happening) {
        // Whoever listened is gone only when all stops.
        let _ = self.out.send(happening).await;
    }
}

/// What is handed out may wait this long a queue before AWS is asked for more.
const QUEUE: usize = 256;

impl Aws {
    /// Collects accounts, several at once. `sink` takes everything that happens and says whether to go on.
    ///
    /// # Errors
    /// [`AwsError::Interrupted`] when `stop` was set or the sink wants no more.
    pub fn collect(
        &self,
        plan: &LivePlan,
        now: fn() -> String,
        stop: &AtomicBool,
        sink: &mut dyn FnMut(Happening) -> bool,
    ) -> Result<(), AwsError> {
        let plan = Arc::new(plan.clone());
        let (out, mut happenings) = mpsc::channel(QUEUE);
        let mut tasks = JoinSet::new();
        let places = Arc::new(Semaphore::new(ACCOUNTS));
        for id in &plan.accounts {
            let context = Context {
                account: self.account(id),
                plan: plan.clone(),
                slots: Arc::new(Semaphore::new(REQUESTS)),
                now,
                out: out.clone(),
            };
            let places = places.clone();
            tasks.spawn_on(
                async move {
                    let _place = places.acquire_owned().await;
                    account(Arc::new(context)).await;
                },
                self.runtime.handle(),
            );
        }
        drop(out);
        self.runtime.block_on(async {
            loop {
                match tokio::time::timeout(super::LISTEN, happenings.recv()).await {
                    Ok(None) => return Ok(()),
                    Ok(Some(happening)) => {
                        if !sink(happening) {
                            return Err(AwsError::Interrupted);
                        }
                    }
                    Err(_) => {}
                }
                if stop.load(Ordering::Relaxed) {
                    tasks.abort_all();
                    return Err(AwsError::Interrupted);
                }
            }
        })
    }
}

async fn account(context: Arc<Context>) {
    let id = context.account.id.clone();
    if let Err(error) = context.account.check().await {
        let mut none = Collected::new(&id, "account");
        none.problems.push(Problem::of(&error));
        context.say(Happening::Came(none)).await;
    } else {
        // What an earlier try may have left is over.
        context.say(Happening::Came(Collected::new(&id, "account"))).await;
        let regions = surroundings::regions(&context).await;
        tokio::join!(
            iam::collect(&context),
            trails::collect(&context, &regions),
            surroundings::collect(&context, &regions),
        );
    }
    context.say(Happening::Done(id)).await;
}
