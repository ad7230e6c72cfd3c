//! Brings objects from S3, many at once, never more bytes than there is room for.

use super::list::Listed;
use super::s3::{AwsError, S3, explain};
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::RequestPayer;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc as async_mpsc};

/// Requests that go on at one time.
const AT_ONCE: usize = 48;

/// Room for objects that were brought and not yet read, in kilobytes.
const ROOM: u32 = 96 << 10;

/// Larger objects come as streams.
const STREAMED: u64 = 32 << 20;

/// How often an object is asked for whose body breaks off; requests that fail have their own retries.
const BODIES: u32 = 6;

/// An object's bytes.
pub enum Fetched {
    /// All of them.
    Whole(Vec<u8>),
    /// As they come.
    Stream(Box<dyn Read + Send>),
}

/// One object that came, or why it did not, and the room that it takes.
type Arrival = (usize, io::Result<Fetched>, Option<OwnedSemaphorePermit>);

/// Objects on their way.
pub struct S3Fetch {
    arrivals: Mutex<mpsc::Receiver<Arrival>>,
    stop: &'static AtomicBool,
}

impl S3Fetch {
    /// Starts bringing the objects, in this order as far as the network allows. Each comes with its place in the list.
    pub fn start(s3: &S3, bucket: &str, objects: Vec<(usize, Listed)>, stop: &'static AtomicBool) -> Self {
        let (sender, arrivals) = mpsc::channel();
        let bringer = Arc::new(Bringer {
            client: s3.client.clone(),
            payer: s3.payer.clone(),
            bucket: bucket.to_owned(),
            sender,
        });
        let (slots, room) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(ROOM as usize)));
        s3.runtime.spawn(async move {
            for (place, object) in objects {
                let size = u32::try_from(object.size >> 10).unwrap_or(u32::MAX).saturating_add(1);
                let kilobytes = if object.size > STREAMED { 1024 } else { size.min(ROOM) };
                let room = room.clone().acquire_many_owned(kilobytes).await;
                let (Ok(slot), Ok(room)) = (slots.clone().acquire_owned().await, room) else { return };
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let bringer = bringer.clone();
                tokio::spawn(async move {
                    let fetched = bringer.bring(&object).await;
                    // Whoever listened is gone only when all stops.
                    let _ = bringer.sender.send((place, fetched.map_err(io::Error::other), Some(room)));
                    drop(slot);
                });
            }
        });
        Self { arrivals: Mutex::new(arrivals), stop }
    }

    /// The next object that came, with its place in the list; nothing when all have come.
    pub fn next(&self) -> Option<(usize, io::Result<Fetched>)> {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let (place, fetched, room) = loop {
            match arrivals.recv_timeout(super::LISTEN) {
                Ok(arrival) => break arrival,
                // The user is heard also while the network is silent.
                Err(RecvTimeoutError::Timeout) if !self.stop.load(Ordering::Relaxed) => {}
                Err(_) => return None,
            }
        };
        drop(room);
        Some((place, fetched))
    }
}

struct Bringer {
    client: Client,
    payer: Option<RequestPayer>,
    bucket: String,
    sender: mpsc::Sender<Arrival>,
}

impl Bringer {
    async fn bring(&self, object: &Listed) -> Result<Fetched, AwsError> {
        let what = format!("reading s3://{}/{}", self.bucket, object.key);
        if object.size > STREAMED {
            return Ok(Fetched::Stream(Box::new(Stream::of(self.body(object, &what).await?))));
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let body = self.body(object, &what).await?;
            match body.collect().await {
                Ok(bytes) => return Ok(Fetched::Whole(bytes.to_vec())),
                Err(error) if attempt >= BODIES => return Err(AwsError::Failed(what, error.to_string())),
                Err(_) => tokio::time::sleep(Duration::from_millis(50 << attempt)).await,
            }
        }
    }

    async fn body(&self, object: &Listed, what: &str) -> Result<ByteStream, AwsError> {
        let request = self.client.get_object().bucket(&self.bucket).key(&object.key);
        let answer = request
            .set_request_payer(self.payer.clone())
            // Not another version than the one that was listed.
            .set_if_match((!object.etag.is_empty()).then(|| object.etag.clone()))
            .send()
            .await
            .map_err(|error| explain(what, &error))?;
        Ok(answer.body)
    }
}

/// A body that is read by a thread while it comes.
struct Stream {
    chunks: async_mpsc::Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
}

impl Stream {
    fn of(mut body: ByteStream) -> Self {
        let (sender, chunks) = async_mpsc::channel(8);
        tokio::spawn(async move {
            while let Some(chunk) = body.next().await {
                let chunk = chunk.map(|bytes| bytes.to_vec()).map_err(io::Error::other);
                let last = chunk.is_err();
                if sender.send(chunk).await.is_err() || last {
                    return;
                }
            }
        });
        Self { chunks, chunk: Vec::new(), at: 0 }
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.chunk.len() {
            match self.chunks.blocking_recv() {
                Some(chunk) => {
                    self.chunk = chunk?;
                    self.at = 0;
                }
                None => return Ok(0),
            }
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        let n = rest.len().min(out.len());
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at += n;
        Ok(n)
    }
}
