//! What a call acted on, made of a record's request once for each text that it is written in: programs repeat themselves.

use super::fields::Fields;
use super::memo::Memo;
use super::names::kinds;
use super::request::{LONGEST, Setting, named};
use std::borrow::Cow;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one call acted on, and what its request shows of the permission that it needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActedOn {
    /// ARNs as policies write them (`*` and `?` in a name are `${*}` and `${?}`): `resources[].ARN`, ARNs in
    /// `requestParameters`, and names there that [`super::TARGETS`] completes. Sorted, each once.
    pub resources: Vec<String>,
    /// What the request shows by which a call needs more than others of its name: `tags`, `version`, `pass:ROLE-ARN` and
    /// the like; `policy/conditional.rs` says what each means. Sorted, each once. [`ActedOn::kinds`] belongs to them.
    pub shows: Vec<Cow<'static, str>>,
    /// Whether the request names something that could not be made an ARN.
    pub unresolved: bool,
    number: Number,
}

/// Tells what is remembered apart, in the whole process; what is not remembered has none. It says nothing of what it is.
#[derive(Clone, Copy, Debug, Default)]
struct Number(Option<NonZeroU64>);

impl PartialEq for Number {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Number {}

impl ActedOn {
    /// What is made of a request.
    pub(super) fn new(resources: Vec<String>, shows: Vec<Cow<'static, str>>, unresolved: bool) -> Self {
        Self { resources, shows, unresolved, number: Number(None) }
    }

    /// The same number means the same content; without one nothing is known of others.
    pub fn number(&self) -> Option<NonZeroU64> {
        self.number.0
    }

    /// What kinds of things the call acted on, as one of [`ActedOn::shows`]: ARNs with names as `x`, or `kinds:?` where not
    /// all of them are known.
    pub fn kinds(&self) -> Option<Cow<'static, str>> {
        if self.unresolved {
            return Some(Cow::Borrowed("kinds:?"));
        }
        kinds(&self.resources).filter(|kinds| kinds.len() <= LONGEST).map(Cow::Owned)
    }

    /// Bytes that it holds.
    fn weight(&self) -> usize {
        let texts = self.resources.iter().map(String::len).chain(self.shows.iter().map(|show| show.len()));
        texts.map(|len| len + size_of::<String>()).sum::<usize>() + size_of::<Self>()
    }

    fn is_nothing(&self) -> bool {
        self.resources.is_empty() && self.shows.is_empty() && !self.unresolved
    }
}

/// Requests of more bytes are read anew each time.
const LONGEST_REQUEST: usize = 16 << 10;

/// What requests were about, by all that is looked at for it. One for each thread.
#[derive(Default)]
pub(super) struct Requests {
    places: Memo<u32>,
    made: Vec<Option<ActedOn>>,
}

impl Requests {
    /// What a call acted on; nothing where the record has to be read the general way.
    pub(super) fn acted_on<'m>(
        &'m mut self,
        fields: &Fields<'_>,
        setting: &Setting<'_>,
    ) -> Option<Option<Cow<'m, ActedOn>>> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let texts =
            [fields.record.request_parameters, fields.record.resources].map(Option::unwrap_or_default);
        if texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST_REQUEST {
            return acted_on(fields, setting);
        }
        let Self { places, made } = self;
        let Setting { host, event, region, account, partition, error, reads } = setting;
        places.begin();
        [*host, event, region, account, partition, error].iter().for_each(|text| places.piece(text));
        texts.iter().for_each(|text| places.piece(text));
        places.bytes(&[u8::from(*reads)]);
        let place = match places.find() {
            Some(place) => place,
            None => {
                let mut new = named(fields, setting)?;
                new.number = Number(NonZeroU64::new(LAST.fetch_add(1, Ordering::Relaxed) + 1));
                let weight = new.weight();
                if places.make_room(weight) {
                    made.clear();
                }
                let place = u32::try_from(made.len()).unwrap_or(u32::MAX);
                made.push((!new.is_nothing()).then_some(new));
                places.learn(place, weight);
                place
            }
        };
        Some(made.get(place as usize)?.as_ref().map(Cow::Borrowed))
    }
}

/// The same, read anew.
pub(super) fn acted_on(fields: &Fields<'_>, setting: &Setting<'_>) -> Option<Option<Cow<'static, ActedOn>>> {
    let made = named(fields, setting)?;
    Some((!made.is_nothing()).then_some(Cow::Owned(made)))
}
