//! LookupEvents: CloudTrail's own ninety days of management events, as fast as AWS allows and no faster.

use super::live::Problem;
use super::meter::is_spent;
use super::s3::{AwsError, explain};
use super::session::{Account, Aws, client};
use aws_config::retry::RetryConfig;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Events of the API go back so far
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>).
pub const LOOKUP_DAYS: i64 = 90;

/// Requests a second that AWS allows each account and region (same page).
const A_SECOND: usize = 2;

/// Events a page, at most (same page).
const PAGE: i32 = 50;

/// How often one page is asked for.
const ATTEMPTS: u32 = 8;

/// Which events are wanted: those that one access key id signed, in one region of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupQuery {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Access key id, of a key or of a session.
    pub key: String,
    /// First second, since 1970.
    pub from: i64,
    /// Last second, since 1970.
    pub to: i64,
    /// Where an earlier run stopped.
    pub token: Option<String>,
}

/// A page of events.
#[derive(Clone, Debug)]
pub struct LookupPage {
    /// What was asked.
    pub query: LookupQuery,
    /// Records as CloudTrail wrote them.
    pub events: Vec<String>,
    /// Whether the query begins anew, so that earlier pages' place means nothing.
    pub restarted: bool,
    /// Where to go on; nothing after the last page.
    pub next: Option<String>,
}

/// What a query came to.
#[derive(Clone, Debug)]
pub enum LookupAnswer {
    /// A page; the last one has no next.
    Page(LookupPage),
    /// It went no further.
    Stopped(LookupQuery, Problem),
}

type Lanes = HashMap<(String, String), mpsc::UnboundedSender<LookupQuery>>;

impl Aws {
    /// Runs queries, side by side over accounts and regions, one after the other within each. `answer` takes every
    /// page and returns queries that follow from it.
    ///
    /// # Errors
    /// [`AwsError::Interrupted`] when `stop` was set.
    pub fn lookup(
        &self,
        queries: Vec<LookupQuery>,
        stop: &AtomicBool,
        answer: &mut dyn FnMut(LookupAnswer) -> Vec<LookupQuery>,
    ) -> Result<(), AwsError> {
        let (out, mut answers) = mpsc::unbounded_channel();
        let mut lanes = Lanes::new();
        let mut tasks = JoinSet::new();
        let mut open = 0_usize;
        let mut start = |queries: Vec<LookupQuery>, tasks: &mut JoinSet<()>, open: &mut usize| {
            for query in queries {
                let place = (query.account.clone(), query.region.clone());
                let lane = lanes.entry(place).or_insert_with(|| {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    let account = self.account(&query.account);
                    let lane = lane(account, query.region.clone(), receiver, out.clone());
                    tasks.spawn_on(lane, self.runtime.handle());
                    sender
                });
                *open += 1;
                // The lane ends only when its sender is dropped.
                let _ = lane.send(query);
            }
        };
        start(queries, &mut tasks, &mut open);
        self.runtime.block_on(async {
            while open > 0 {
                match tokio::time::timeout(super::LISTEN, answers.recv()).await {
                    Ok(Some(came)) => {
                        let last = match &came {
                            LookupAnswer::Page(page) => page.next.is_none(),
                            LookupAnswer::Stopped(..) => true,
                        };
                        let more = answer(came);
                        open -= usize::from(last);
                        start(more, &mut tasks, &mut open);
                    }
                    Ok(None) => return Ok(()),
                    Err(_) => {}
                }
                if stop.load(Ordering::Relaxed) {
                    tasks.abort_all();
                    return Err(AwsError::Interrupted);
                }
            }
            Ok(())
        })
    }
}

/// How long queries take at least, in seconds: the longest lane's.
pub fn lookup_seconds(queries: &[LookupQuery]) -> usize {
    let mut lanes: HashMap<(&str, &str), usize> = HashMap::new();
    for query in queries {
        *lanes.entry((&query.account, &query.region)).or_default() += 1;
    }
    lanes.into_values().max().unwrap_or(0).div_ceil(A_SECOND)
}

/// Lets two requests begin in any second. Times are those of answers, which come after AWS counted the request, so that
/// the limit holds on AWS's side whatever the network does.
struct Pace(VecDeque<Instant>);

impl Pace {
    async fn wait(&mut self) {
        if self.0.len() >= A_SECOND
            && let Some(first) = self.0.pop_front()
        {
            tokio::time::sleep_until(first + Duration::from_millis(1_001)).await;
        }
    }

    fn answered(&mut self) {
        self.0.push_back(Instant::now());
    }
}

/// All queries of one account and region.
async fn lane(
    account: Account,
    region: String,
    mut queries: mpsc::UnboundedReceiver<LookupQuery>,
    out: mpsc::UnboundedSender<LookupAnswer>,
) {
    // Attempts of the SDK's own would not know the pace.
    let config = account.config.clone().into_builder().retry_config(RetryConfig::disabled()).build();
    let account = Account { config, ..account };
    let client = client!(aws_sdk_cloudtrail, account, region);
    // A run before this one may have asked just now.
    let mut pace = Pace(VecDeque::from([Instant::now(); A_SECOND]));
    while let Some(query) = queries.recv().await {
        run(&client, &mut pace, query, &out).await;
    }
}

async fn run(
    client: &aws_sdk_cloudtrail::Client,
    pace: &mut Pace,
    query: LookupQuery,
    out: &mpsc::UnboundedSender<LookupAnswer>,
) {
    let mut token = query.token.clone();
    let (mut restarted, mut attempt) = (false, 0);
    loop {
        pace.wait().await;
        let attribute = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::AccessKeyId)
            .attribute_value(&query.key)
            .build();
        let call = client
            .lookup_events()
            .set_lookup_attributes(attribute.ok().map(|attribute| vec![attribute]))
            .start_time(DateTime::from_secs(query.from))
            .end_time(DateTime::from_secs(query.to))
            .max_results(PAGE)
            .set_next_token(token.clone());
        let answer = call.send().await;
        pace.answered();
        let what = format!("cloudtrail:LookupEvents of {} in {} {}", query.key, query.account, query.region);
        let error = match answer.map_err(|error| explain(&what, &error)) {
            Ok(answer) => {
                attempt = 0;
                let events = answer.events().iter().filter_map(|event| event.cloud_trail_event());
                let events = events.map(str::to_owned).collect();
                token = answer.next_token().map(str::to_owned);
                let page = LookupPage { query: query.clone(), events, restarted, next: token.clone() };
                let _ = out.send(LookupAnswer::Page(page));
                restarted = false;
                if token.is_none() {
                    return;
                }
                continue;
            }
            Err(error) => error,
        };
        // Places in a listing do not last; what was read before counts once all the same.
        if token.is_some() && matches!(&error, AwsError::Failed(_, text) if text.contains("NextToken")) {
            (token, restarted) = (None, true);
            continue;
        }
        attempt += 1;
        if attempt >= ATTEMPTS || !may_pass(&error) {
            let _ = out.send(LookupAnswer::Stopped(query, Problem::of(&error)));
            return;
        }
        tokio::time::sleep(Duration::from_millis(250 << attempt.min(6))).await;
    }
}

/// Whether an error may be gone the next time.
fn may_pass(error: &AwsError) -> bool {
    let lasting = [
        "AccessDenied",
        "Unrecognized",
        "InvalidParameter",
        "InvalidLookup",
        "InvalidTime",
        "not authorized",
    ];
    match error {
        AwsError::Failed(_, text) => !is_spent(error) && !lasting.iter().any(|word| text.contains(word)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_lane_says_how_long_it_takes() {
        let query = |region: &str| LookupQuery {
            account: "111122223333".into(),
            region: region.into(),
            key: "AKIAIOSFODNN7EXAMPLE".into(),
            from: 0,
            to: 1,
            token: None,
        };
        assert_eq!(lookup_seconds(&[]), 0);
        assert_eq!(lookup_seconds(&[query("a"), query("b"), query("a"), query("a")]), 2);
    }
}
