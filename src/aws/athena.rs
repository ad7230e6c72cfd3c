//! Amazon Athena: queries that are started once, watched, read page by page, and stopped when the user stops.

use super::live::Problem;
use super::s3::{AwsError, explain};
use super::session::{Account, Aws, client};
use aws_sdk_athena::Client;
use aws_sdk_athena::types::{
    QueryExecution, QueryExecutionContext, QueryExecutionState, ResultConfiguration, TableMetadata,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Rows a page, at most (<https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html>).
const PAGE: i32 = 1000;

/// The catalog that tables of AWS Glue are in.
const CATALOG: &str = "AwsDataCatalog";

/// How long to wait between two looks at a query: from the first to the last.
const LOOKS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How long running queries' stopping may take when the user wants to go.
const GOODBYE: Duration = Duration::from_secs(10);

/// Pages on their way to the store.
const QUEUE: usize = 4;

/// Where queries run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AthenaPlace {
    /// Workgroup, whose settings say where results go and what queries may scan.
    pub workgroup: String,
    /// Database.
    pub database: String,
    /// Where results go, where the workgroup does not say.
    pub output: Option<String>,
}

/// A query to run, or one that an earlier run has started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AthenaJob {
    /// What it is called here.
    pub name: String,
    /// Its text.
    pub sql: String,
    /// The same token starts the same query only once, however often it is asked
    /// (<https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html>).
    pub token: String,
    /// Its id, where it is known to have been started.
    pub query: Option<String>,
}

/// What happens to queries.
#[derive(Clone, Debug)]
pub enum AthenaAnswer {
    /// It has an id now.
    Started(String, String),
    /// Rows, each with a text for each column; whether these are the first, whose first row are the columns' names.
    Rows(String, Vec<Vec<String>>, bool),
    /// All of its rows came; bytes scanned, and milliseconds that it ran.
    Done(String, u64, u64),
    /// It came to nothing.
    Ended(String, AthenaEnd),
}

/// How queries end that come to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AthenaEnd {
    /// It failed, as Athena says; whether Athena says that trying again may help.
    Failed(String, bool),
    /// Somebody stopped it.
    Cancelled(String),
    /// Athena knows it no longer, or its results are gone; it keeps queries for 45 days
    /// (<https://docs.aws.amazon.com/athena/latest/ug/queries-viewing-history.html>).
    Expired(String),
    /// A call was refused or failed for good.
    Call(Problem),
}

/// A table as the catalog has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AthenaTable {
    /// Its name.
    pub name: String,
    /// Columns with their types.
    pub columns: Vec<(String, String)>,
    /// Partition keys with their types.
    pub partitions: Vec<(String, String)>,
    /// Properties.
    pub parameters: BTreeMap<String, String>,
}

impl AthenaTable {
    fn of(found: &TableMetadata) -> Self {
        let pairs = |columns: &[aws_sdk_athena::types::Column]| {
            columns
                .iter()
                .map(|column| (column.name().to_owned(), column.r#type().unwrap_or_default().to_owned()))
                .collect()
        };
        let parameters = found.parameters().into_iter().flatten();
        Self {
            name: found.name().to_owned(),
            columns: pairs(found.columns()),
            partitions: pairs(found.partition_keys()),
            parameters: parameters.map(|(name, value)| (name.clone(), value.clone())).collect(),
        }
    }
}

impl Aws {
    /// A table, where there is one of that name.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn athena_table(&self, place: &AthenaPlace, table: &str) -> Result<Option<AthenaTable>, AwsError> {
        let account = self.own();
        let client = client!(aws_sdk_athena, account, account.region());
        let call = client
            .get_table_metadata()
            .catalog_name(CATALOG)
            .database_name(&place.database)
            .table_name(table)
            .work_group(&place.workgroup);
        let what = format!("athena:GetTableMetadata of {}.{table}", place.database);
        match self.runtime.block_on(call.send()).map_err(|error| explain(&what, &error)) {
            Ok(answer) => Ok(answer.table_metadata().map(AthenaTable::of)),
            Err(AwsError::Failed(_, text)) if is_missing(&text) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All tables of a database.
    ///
    /// # Errors
    /// [`AwsError`].
    pub fn athena_tables(&self, place: &AthenaPlace) -> Result<Vec<AthenaTable>, AwsError> {
        let account = self.own();
        let client = client!(aws_sdk_athena, account, account.region());
        let call = client
            .list_table_metadata()
            .catalog_name(CATALOG)
            .database_name(&place.database)
            .work_group(&place.workgroup);
        let mut pages = call.into_paginator().send();
        let what = format!("athena:ListTableMetadata of {}", place.database);
        self.runtime.block_on(async {
            let mut tables = Vec::new();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| explain(&what, &error))?;
                tables.extend(page.table_metadata_list().iter().map(AthenaTable::of));
            }
            Ok(tables)
        })
    }

    /// Runs queries, so many at once. `answer` takes everything that happens, and returns queries that follow from it, or
    /// nothing when all shall end. Then, and when `stop` is set, those that run are stopped.
    ///
    /// # Errors
    /// [`AwsError::Interrupted`] when `stop` was set, or no more was wanted.
    pub fn athena(
        &self,
        place: &AthenaPlace,
        jobs: Vec<AthenaJob>,
        at_once: usize,
        stop: &'static AtomicBool,
        answer: &mut dyn FnMut(AthenaAnswer) -> Option<Vec<AthenaJob>>,
    ) -> Result<(), AwsError> {
        let (out, mut answers) = mpsc::channel(QUEUE);
        let halt = Arc::new(AtomicBool::new(false));
        let slots = Arc::new(Semaphore::new(at_once.max(1)));
        let mut tasks = JoinSet::new();
        let start = |jobs: Vec<AthenaJob>, tasks: &mut JoinSet<()>| {
            for job in jobs {
                let run = Run {
                    account: self.own(),
                    place: place.clone(),
                    job,
                    stop,
                    halt: halt.clone(),
                    out: out.clone(),
                };
                let slots = slots.clone();
                tasks.spawn_on(
                    async move {
                        let _slot = slots.acquire_owned().await;
                        run.run().await;
                    },
                    self.runtime.handle(),
                );
            }
        };
        let mut open = jobs.len();
        start(jobs, &mut tasks);
        self.runtime.block_on(async {
            while open > 0 && !stop.load(Ordering::Relaxed) {
                let Ok(came) = tokio::time::timeout(super::LISTEN, answers.recv()).await else { continue };
                let Some(came) = came else { return Ok(()) };
                let last = matches!(came, AthenaAnswer::Done(..) | AthenaAnswer::Ended(..));
                let Some(more) = answer(came) else { break };
                open = open + more.len() - usize::from(last);
                start(more, &mut tasks);
            }
            if open == 0 {
                return Ok(());
            }
            halt.store(true, Ordering::Relaxed);
            // Each stops its own query and goes; what they still say has no reader.
            let goodbye = tokio::time::sleep(GOODBYE);
            tokio::pin!(goodbye);
            loop {
                tokio::select! {
                    () = &mut goodbye => break,
                    done = tasks.join_next() => if done.is_none() { break },
                    Some(_) = answers.recv() => {}
                }
            }
            tasks.abort_all();
            Err(AwsError::Interrupted)
        })
    }
}

fn is_missing(text: &str) -> bool {
    text.contains("EntityNotFoundException") || text.contains("not found") || text.contains("NotFound")
}

/// One query.
struct Run {
    account: Account,
    place: AthenaPlace,
    job: AthenaJob,
    stop: &'static AtomicBool,
    halt: Arc<AtomicBool>,
    out: mpsc::Sender<AthenaAnswer>,
}

impl Run {
    async fn say(&self, answer: AthenaAnswer) {
        // Whoever listened is gone only when all stops.
        let _ = self.out.send(answer).await;
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.halt.load(Ordering::Relaxed)
    }

    async fn run(self) {
        if self.stopped() {
            return;
        }
        let client = client!(aws_sdk_athena, self.account, self.account.region());
        let name = self.job.name.clone();
        match self.through(&client).await {
            Ok(Some((scanned, took))) => self.say(AthenaAnswer::Done(name, scanned, took)).await,
            Ok(None) => {}
            Err(end) => self.say(AthenaAnswer::Ended(name, end)).await,
        }
    }

    /// From start to end; nothing where the user wants to go.
    async fn through(&self, client: &Client) -> Result<Option<(u64, u64)>, AthenaEnd> {
        let query = match &self.job.query {
            Some(query) => query.clone(),
            None => {
                let query = self.start(client).await?;
                self.say(AthenaAnswer::Started(self.job.name.clone(), query.clone())).await;
                query
            }
        };
        let Some(execution) = self.watch(client, &query).await? else {
            let _ = client.stop_query_execution().query_execution_id(&query).send().await;
            return Ok(None);
        };
        let statistics = execution.statistics();
        let number = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let scanned = number(statistics.and_then(|s| s.data_scanned_in_bytes()));
        let took = number(statistics.and_then(|s| s.engine_execution_time_in_millis()));
        if !self.pages(client, &query).await? {
            return Ok(None);
        }
        Ok(Some((scanned, took)))
    }

    async fn start(&self, client: &Client) -> Result<String, AthenaEnd> {
        let Self { place, job, .. } = self;
        let context = QueryExecutionContext::builder().catalog(CATALOG).database(&place.database).build();
        let output =
            place.output.as_ref().map(|to| ResultConfiguration::builder().output_location(to).build());
        let call = client
            .start_query_execution()
            .query_string(&job.sql)
            .client_request_token(&job.token)
            .query_execution_context(context)
            .work_group(&place.workgroup)
            .set_result_configuration(output);
        let what = format!("athena:StartQueryExecution of {}", job.name);
        let answer = call.send().await.map_err(|error| call_failed(&explain(&what, &error)))?;
        answer.query_execution_id().map(str::to_owned).ok_or_else(|| {
            call_failed(&AwsError::Failed(what, "an answer without the query's id".to_owned()))
        })
    }

    /// Waits until it is done; nothing where the user wants to go.
    async fn watch(&self, client: &Client, query: &str) -> Result<Option<QueryExecution>, AthenaEnd> {
        let what = format!("athena:GetQueryExecution of {}", self.job.name);
        let mut pause = LOOKS.0;
        loop {
            if self.stopped() {
                return Ok(None);
            }
            let answer = client.get_query_execution().query_execution_id(query).send().await;
            let answer = answer.map_err(|error| of_query(&explain(&what, &error)))?;
            let execution =
                answer.query_execution().cloned().unwrap_or_else(|| QueryExecution::builder().build());
            let status = execution.status();
            let why = status.and_then(|status| status.state_change_reason()).unwrap_or_default().to_owned();
            match status.and_then(|status| status.state()) {
                Some(QueryExecutionState::Succeeded) => return Ok(Some(execution)),
                Some(QueryExecutionState::Failed) => {
                    let again = status.and_then(|s| s.athena_error()).is_some_and(|error| error.retryable());
                    return Err(AthenaEnd::Failed(why, again));
                }
                Some(QueryExecutionState::Cancelled) => return Err(AthenaEnd::Cancelled(why)),
                _ => {}
            }
            self.rest(pause).await;
            pause = (pause * 2).min(LOOKS.1);
        }
    }

    /// Sleeps, but hears the user.
    async fn rest(&self, pause: Duration) {
        let mut left = pause;
        while !left.is_zero() && !self.stopped() {
            let step = left.min(super::LISTEN);
            tokio::time::sleep(step).await;
            left -= step;
        }
    }

    /// Hands out all rows; tells whether it came to their end.
    async fn pages(&self, client: &Client, query: &str) -> Result<bool, AthenaEnd> {
        let what = format!("athena:GetQueryResults of {}", self.job.name);
        let (mut token, mut restarts) = (None::<String>, 0);
        loop {
            if self.stopped() {
                return Ok(false);
            }
            let call = client.get_query_results().query_execution_id(query).max_results(PAGE);
            let answer = match call.set_next_token(token.clone()).send().await.map_err(|e| explain(&what, &e))
            {
                // Places in results do not last; from the beginning, then, which counts nothing twice.
                Err(AwsError::Failed(_, text))
                    if token.is_some() && restarts < 3 && text.to_lowercase().contains("token") =>
                {
                    (token, restarts) = (None, restarts + 1);
                    continue;
                }
                other => other.map_err(|error| of_query(&error))?,
            };
            let first = token.is_none();
            let rows = answer.result_set().map(|set| set.rows()).unwrap_or_default();
            let text = |row: &aws_sdk_athena::types::Row| -> Vec<String> {
                row.data().iter().map(|value| value.var_char_value().unwrap_or_default().to_owned()).collect()
            };
            let rows = rows.iter().map(text).collect();
            token = answer.next_token().map(str::to_owned);
            self.say(AthenaAnswer::Rows(self.job.name.clone(), rows, first)).await;
            if token.is_none() {
                return Ok(true);
            }
        }
    }
}

fn call_failed(error: &AwsError) -> AthenaEnd {
    AthenaEnd::Call(Problem::of(error))
}

/// What an error of a call about a query says of the query.
fn of_query(error: &AwsError) -> AthenaEnd {
    let text = error.to_string();
    let gone = text.contains("was not found") || text.contains("not found") || text.contains("NoSuchKey");
    if gone { AthenaEnd::Expired(text) } else { call_failed(error) }
}
