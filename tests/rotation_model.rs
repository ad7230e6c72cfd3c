//! Random histories of the rotation saga against a reference IAM, in memory: crashes, lost answers, refusals, somebody
//! else's hands, clocks that jump. What must never happen does not, and what can be finished is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

use jiff::{SignedDuration, Timestamp};
use offkey::model::Secret;
use offkey::plan::{Accepted, Caller, Gist, KeyPlan, Operation, Plan, Settings, SinkSpec};
use offkey::ports::{
    CallError, CallErrorKind, Held, Identity, KeyStatus, LastUse, Ledger, LedgerError, Look, NewKey, Pair,
    Patience, Person, SeenKey, Sink, SinkError,
};
use offkey::rotation::{Asked, Ending, Entry, Phase, Progress, Run, World, line_of, read_journal};
use rand_chacha::rand_core::Rng;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Mutex;

const OLD: &str = "AKIAI44QH8DHBEXAMPLE";
const USER: &str = "ci";

/// Dice that give the same history for the same seed.
struct Dice(rand_chacha::ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Self {
        use rand_chacha::rand_core::SeedableRng;
        Self(rand_chacha::ChaCha8Rng::seed_from_u64(seed))
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// A key as IAM has it, with what the model knows beside.
#[derive(Clone)]
struct Key {
    id: String,
    secret: String,
    status: KeyStatus,
    created: Timestamp,
    used: Option<LastUse>,
    /// Made by a person, whose key it is.
    foreign: bool,
}

struct Cloud {
    now: Timestamp,
    keys: Vec<Key>,
    tags: BTreeMap<String, String>,
    /// What readers of the sink get, and what was stored last.
    current: (String, String),
    stored: (String, String),
    /// Keys that the plan may have made.
    made: u32,
    dice: Dice,
    /// One call in so many fails.
    faults: u64,
    /// Calls until the process goes down.
    fuse: Option<u64>,
    down: bool,
    wrong: Vec<String>,
    journal: String,
    /// Whether the gate was passed in this history, as the journal says.
    asked_delete: bool,
    deactivated: Option<Timestamp>,
}

struct Model(Mutex<RefCell<Cloud>>);

impl Model {
    fn with<T>(&self, f: impl FnOnce(&mut Cloud) -> T) -> T {
        let guard = self.0.lock().unwrap();
        let mut cloud = guard.borrow_mut();
        f(&mut cloud)
    }

    /// A call: it may be refused, lost on its way, or its answer lost; the process may go down before or after.
    fn call<T>(&self, act: impl FnOnce(&mut Cloud) -> Result<T, CallError>) -> Result<T, CallError> {
        self.with(|cloud| {
            let unclear = || CallError { kind: CallErrorKind::Unclear, text: "no answer".into() };
            if cloud.down {
                return Err(unclear());
            }
            let fuse = cloud.fuse.map(|left| left.saturating_sub(1));
            cloud.fuse = fuse;
            let dies = fuse == Some(0);
            let before = cloud.dice.one_in(2);
            if dies && before {
                cloud.down = true;
                return Err(unclear());
            }
            let faults = cloud.faults;
            let fault = cloud.dice.one_in(faults).then(|| cloud.dice.below(4));
            match fault {
                Some(0) => return Err(unclear()),
                Some(1) => {
                    return Err(CallError { kind: CallErrorKind::Throttled, text: "slow down".into() });
                }
                Some(2) => return Err(CallError { kind: CallErrorKind::Denied, text: "denied".into() }),
                _ => {}
            }
            let result = act(cloud);
            cloud.now += SignedDuration::from_secs(1);
            cloud.check();
            if dies {
                cloud.down = true;
            }
            if dies || fault == Some(3) { Err(unclear()) } else { result }
        })
    }
}

impl Cloud {
    /// What must be true at every instant.
    fn check(&mut self) {
        if self.keys.len() > 2 {
            self.wrong.push(format!("{} keys", self.keys.len()));
        }
        let works = |id: &str, secret: &str| {
            self.keys
                .iter()
                .any(|key| key.id == id && key.secret == secret && key.status == KeyStatus::Active)
        };
        let old_works = self.keys.iter().any(|key| key.id == OLD && key.status == KeyStatus::Active);
        // A consumer reads the sink, or still has the old key: one of them works.
        if !old_works
            && !works(&self.current.0, &self.current.1)
            && self.deactivated.is_none_or(|_| true)
            && !self.by_hand()
        {
            self.wrong.push("no key works for the consumer".into());
        }
    }

    /// Whether somebody else deactivated or deleted something: then it is not the saga's doing.
    fn by_hand(&self) -> bool {
        self.tags.contains_key("model:by-hand")
    }
}

impl Identity for Model {
    fn look(&self, _: &str, _: &str) -> Result<Look, CallError> {
        self.call(|cloud| {
            let seen = |key: &Key| SeenKey { id: key.id.clone(), status: key.status, created: key.created };
            Ok(Look {
                now: cloud.now,
                keys: Some(cloud.keys.iter().map(seen).collect()),
                tags: cloud
                    .tags
                    .clone()
                    .into_iter()
                    .filter(|(name, _)| !name.starts_with("model:"))
                    .collect(),
            })
        })
    }

    fn person(&self, _: &str, _: &str) -> Result<Person, CallError> {
        Ok(Person::default())
    }

    fn last_use(&self, _: &str, id: &str) -> Result<Option<LastUse>, CallError> {
        self.call(|cloud| Ok(cloud.keys.iter().find(|key| key.id == id).and_then(|key| key.used.clone())))
    }

    fn role_last_use(&self, _: &str, _: &str) -> Result<Option<Timestamp>, CallError> {
        Ok(None)
    }

    fn tag(&self, _: &str, _: &str, key: &str, value: &str) -> Result<(), CallError> {
        self.call(|cloud| {
            cloud.tags.insert(key.to_owned(), value.to_owned());
            Ok(())
        })
    }

    fn untag(&self, _: &str, _: &str, key: &str) -> Result<(), CallError> {
        self.call(|cloud| {
            cloud.tags.remove(key);
            Ok(())
        })
    }

    fn create(&self, _: &str, _: &str) -> Result<NewKey, CallError> {
        self.call(|cloud| {
            if cloud.keys.len() >= 2 {
                return Err(CallError { kind: CallErrorKind::Refused, text: "LimitExceeded".into() });
            }
            cloud.made += 1;
            let (id, secret) = (format!("AKIANEW{:013}", cloud.made), format!("secret-{}", cloud.made));
            cloud.keys.push(Key {
                id: id.clone(),
                secret: secret.clone(),
                status: KeyStatus::Active,
                created: cloud.now,
                used: None,
                foreign: false,
            });
            Ok(NewKey { id, secret: Secret::new(secret) })
        })
    }

    fn set_status(&self, _: &str, _: &str, id: &str, status: KeyStatus) -> Result<(), CallError> {
        self.call(|cloud| {
            let journal = cloud.journal.clone();
            let now = cloud.now;
            let Some(key) = cloud.keys.iter_mut().find(|key| key.id == id) else {
                return Err(CallError { kind: CallErrorKind::Refused, text: "NoSuchEntity".into() });
            };
            key.status = status;
            let foreign = key.foreign;
            if foreign {
                cloud.wrong.push(format!("somebody else's key {id} was set {status:?}"));
            }
            if id == OLD && status == KeyStatus::Inactive {
                // The proof was written down before.
                if !journal.contains("\"step\":\"deactivate\"")
                    || !journal.contains("the old key is silent since")
                {
                    cloud.wrong.push("deactivated without a passed gate in the journal".into());
                }
                cloud.deactivated = Some(now);
            }
            Ok(())
        })
    }

    fn delete(&self, _: &str, _: &str, id: &str) -> Result<(), CallError> {
        self.call(|cloud| {
            let Some(key) = cloud.keys.iter().find(|key| key.id == id).cloned() else { return Ok(()) };
            if key.status == KeyStatus::Active {
                cloud.wrong.push(format!("{id} was deleted while Active"));
            }
            if key.foreign {
                cloud.wrong.push(format!("somebody else's key {id} was deleted"));
            }
            if id == OLD {
                let waited = cloud.deactivated.map(|at| cloud.now.duration_since(at));
                if waited.is_none_or(|waited| waited < SignedDuration::from_hours(24 * 14)) {
                    cloud.wrong.push(format!("{id} was deleted after {waited:?}"));
                }
                if !cloud.asked_delete {
                    cloud.wrong.push("deleted without its id typed".into());
                }
            } else if key.id == cloud.current.0 {
                cloud.wrong.push("the key that readers have was deleted".into());
            }
            cloud.keys.retain(|key| key.id != id);
            Ok(())
        })
    }

    fn whose(&self, id: &str, secret: &Secret) -> Result<String, CallError> {
        self.call(|cloud| {
            let now = cloud.now;
            let unknown =
                || CallError { kind: CallErrorKind::UnknownCredentials, text: "InvalidClientTokenId".into() };
            let key = cloud
                .keys
                .iter_mut()
                .find(|key| key.id == id && key.secret == secret.expose() && key.status == KeyStatus::Active)
                .ok_or_else(unknown)?;
            key.used = Some(LastUse { at: now, service: "sts".into() });
            Ok(format!("arn:aws:iam::111122223333:user/{USER}"))
        })
    }
}

impl Model {
    fn sink<T>(&self, act: impl FnOnce(&mut Cloud) -> T) -> Result<T, SinkError> {
        self.call(|cloud| Ok(act(cloud))).map_err(|error| SinkError { passing: true, text: error.text })
    }
}

impl Sink for Model {
    fn prove(&self, _: &str) -> Result<(), SinkError> {
        self.sink(|_| ())
    }

    fn store(&self, pair: &Pair<'_>) -> Result<(), SinkError> {
        let held = (pair.id.to_owned(), pair.secret.expose().to_owned());
        self.sink(|cloud| cloud.stored = held)
    }

    fn fetch(&self, id: &str) -> Result<Held, SinkError> {
        self.sink(|cloud| {
            if cloud.stored.0 == id {
                Held::Secret(Secret::new(cloud.stored.1.clone()))
            } else {
                Held::Nothing
            }
        })
    }

    fn publish(&self, _: &str) -> Result<(), SinkError> {
        self.sink(|cloud| cloud.current = cloud.stored.clone())
    }
}

impl Ledger for Model {
    fn append(&self, line: &dyn Fn(Option<&str>) -> String) -> Result<(), LedgerError> {
        let last = self.with(|cloud| cloud.journal.lines().last().map(str::to_owned));
        let text = line(last.as_deref());
        self.with(|cloud| {
            if cloud.down {
                return Err(LedgerError("down".into()));
            }
            let fuse = cloud.fuse.map(|left| left.saturating_sub(1));
            cloud.fuse = fuse;
            if fuse == Some(0) {
                cloud.down = true;
                // Before, after, or torn in the middle.
                match cloud.dice.below(3) {
                    0 => {}
                    1 => cloud.journal.push_str(&text),
                    _ => cloud.journal.push_str(&text[..text.len() / 2]),
                }
                return Err(LedgerError("down".into()));
            }
            cloud.journal.push_str(&text);
            Ok(())
        })
    }
}

impl Patience for Model {
    fn wait(&self, seconds: u64) -> bool {
        self.with(|cloud| cloud.now += SignedDuration::from_secs(seconds as i64));
        !self.stopped()
    }

    fn stopped(&self) -> bool {
        self.with(|cloud| cloud.down)
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn plan() -> Plan {
    Plan {
        schema: String::new(),
        operation: Operation::Rotate,
        id: String::new(),
        created: time("2026-10-01T00:00:00Z"),
        expires: time("2036-10-02T00:00:00Z"),
        caller: Caller::of("111122223333", "arn:aws:iam::111122223333:user/operator"),
        settings: Settings {
            silence_days: 7,
            wait_days: 14,
            delete: true,
            watch: None,
            ses_smtp: vec![],
            settle_seconds: 5,
            command_seconds: 60,
        },
        keys: vec![KeyPlan {
            account: "111122223333".into(),
            user: USER.into(),
            user_arn: format!("arn:aws:iam::111122223333:user/{USER}"),
            key: SeenKey { id: OLD.into(), status: KeyStatus::Active, created: time("2024-01-01T00:00:00Z") },
            last_used: Some(time("2026-09-30T00:00:00Z")),
            sink: Some(SinkSpec::Command { command: "model".into() }),
            role: None,
            evidence: Some(Gist {
                as_of: time("2026-10-01T00:00:00Z"),
                verdict: "rotate".into(),
                events: 9,
                last_event: None,
                longest_gap_days: Some(2),
                gaps: vec![],
                consumers: vec![],
            }),
        }],
        left_out: vec![],
        accepted: vec![Accepted { key: None, gap: "short-window".into(), reason: "model".into() }],
        digest: String::new(),
    }
    .sealed()
}

/// One history: up to sixty processes, each of which may go down anywhere. How it ended.
fn history(seed: u64, hands: bool) -> (Phase, Vec<String>, bool) {
    let plan = plan();
    let mut dice = Dice::new(seed);
    let old = Key {
        id: OLD.into(),
        secret: "old".into(),
        status: KeyStatus::Active,
        created: time("2024-01-01T00:00:00Z"),
        used: Some(LastUse { at: time("2026-09-30T00:00:00Z"), service: "s3".into() }),
        foreign: false,
    };
    let faults = [3, 10, 50, 1_000_000][dice.below(4) as usize];
    let cloud = Cloud {
        now: plan.created,
        keys: vec![old],
        tags: BTreeMap::new(),
        current: (OLD.into(), "old".into()),
        stored: (OLD.into(), "old".into()),
        made: 0,
        dice: Dice::new(seed ^ 0x5eed),
        faults,
        fuse: None,
        down: false,
        wrong: vec![],
        journal: String::new(),
        asked_delete: false,
        deactivated: None,
    };
    let model = Model(Mutex::new(RefCell::new(cloud)));
    model
        .append(&|before| {
            let opened =
                Entry::Opened { plan: plan.id.clone(), digest: plan.digest.clone(), program: "model".into() };
            line_of(before, plan.created, "model", opened)
        })
        .unwrap();
    let rollback_at = dice.one_in(6).then(|| dice.below(30));
    let mut touched = false;
    let mut progress = Progress::new(Operation::Rotate);
    for turn in 0..60 {
        let text = model.with(|cloud| cloud.journal.clone());
        let (journal, torn) = read_journal(&text).expect("the journal holds together");
        if let Some(torn) = torn {
            model.with(|cloud| cloud.journal.truncate(torn.at as usize));
        }
        progress = journal.replay(&plan).expect("the journal can be replayed")[OLD].clone();
        if progress.released
            && !matches!(rollback_at, Some(at) if turn >= at && progress.phase == Phase::Deactivated)
        {
            break;
        }
        model.with(|cloud| {
            cloud.down = false;
            cloud.fuse = (turn < 50 && cloud.dice.one_in(2)).then(|| 1 + cloud.dice.below(30));
            if turn >= 50 {
                cloud.faults = u64::MAX;
            }
            // Time passes, mostly forward.
            let hours = if cloud.dice.one_in(20) { -1 } else { cloud.dice.below(24 * 9) as i64 };
            cloud.now += SignedDuration::from_hours(hours);
            cloud.asked_delete = cloud.dice.one_in(2) || turn >= 50;
            // The consumer reads the sink, and uses what it gets.
            let (now, current) = (cloud.now, cloud.current.clone());
            if let Some(key) =
                cloud.keys.iter_mut().find(|key| key.id == current.0 && key.status == KeyStatus::Active)
            {
                key.used = Some(LastUse { at: now, service: "s3".into() });
            }
        });
        if hands && dice.one_in(8) {
            touched = true;
            model.with(|cloud| {
                let n = cloud.keys.len() as u64;
                let which = cloud.dice.below(n.max(1)) as usize;
                match cloud.dice.below(4) {
                    0 if n == 1 => {
                        let made = Key {
                            id: format!("AKIAHAND{:012}", turn),
                            secret: "theirs".into(),
                            status: KeyStatus::Active,
                            // Not in the very minute in which one is being made: nobody could tell.
                            created: cloud.now - SignedDuration::from_hours(1),
                            used: None,
                            foreign: true,
                        };
                        cloud.keys.push(made);
                    }
                    1 if n > 0 => cloud.keys[which].status = KeyStatus::Inactive,
                    2 if n > 0 => cloud.keys[which].status = KeyStatus::Active,
                    _ => {
                        cloud.tags.insert("offkey:rotation".into(), "rotate-other/claimed".into());
                    }
                }
                cloud.tags.insert("model:by-hand".into(), "1".into());
            });
        }
        let mut asked = Asked { accepted: plan.accepted.clone(), ..Asked::default() };
        if model.with(|cloud| cloud.asked_delete) {
            asked.delete.push(OLD.into());
        }
        if rollback_at.is_some_and(|at| turn >= at) {
            asked.rollback = Some("the model says so".into());
        }
        let tell = |_: &str, _: &str| {};
        let world = World {
            identity: &model,
            ledger: &model,
            watch: None,
            patience: &model,
            who: "model",
            tell: &tell,
        };
        let now = model.with(|cloud| cloud.now);
        let mut run = Run {
            plan: &plan,
            key: &plan.keys[0],
            asked: &asked,
            world: &world,
            sink: Some(&model),
            progress: progress.clone(),
            fresh: None,
            proof: None,
            secret: None,
            now,
            forbidden: None,
            remarked: None,
        };
        let ending = run.go();
        if let Ending::Failed(text) = &ending
            && text.contains("cannot happen")
        {
            model.with(|cloud| cloud.wrong.push(text.clone()));
        }
        progress = run.progress.clone();
    }
    let mut wrong = model.with(|cloud| std::mem::take(&mut cloud.wrong));
    // Whatever the end, no key of ours is left whose secret nobody has.
    if progress.released && !touched {
        let (stored, keys) = model.with(|cloud| (cloud.stored.0.clone(), cloud.keys.clone()));
        let lost = keys.iter().filter(|key| key.id != OLD && key.id != stored);
        wrong.extend(lost.map(|key| format!("{} is left, and nobody has its secret", key.id)));
    }
    (progress.phase, wrong, progress.released || touched)
}

#[test]
fn ten_thousand_histories_do_no_harm() {
    let mut phases: BTreeMap<&str, u32> = BTreeMap::new();
    let part = |part: u64| {
        let mut phases: Vec<&str> = Vec::new();
        for seed in (part..12_000).step_by(3) {
            let hands = seed % 5 < 2;
            let (phase, wrong, over) = history(seed, hands);
            assert!(wrong.is_empty(), "history {seed}: {wrong:?}");
            assert!(
                over,
                "history {seed} ends {} and is not over, though nobody touched anything",
                phase.id()
            );
            phases.push(phase.id());
        }
        phases
    };
    let ended: Vec<&str> = std::thread::scope(|scope| {
        let parts: Vec<_> = (0..3).map(|n| scope.spawn(move || part(n))).collect();
        parts.into_iter().flat_map(|part| part.join().unwrap()).collect()
    });
    ended.into_iter().for_each(|phase| *phases.entry(phase).or_default() += 1);
    println!("12000 histories: {phases:?}");
    // The histories are not all of one kind.
    assert!(phases["deleted"] > 1000 && phases["rolled-back"] > 300, "{phases:?}");
}
