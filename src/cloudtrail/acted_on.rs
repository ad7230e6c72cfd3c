//! What a call acted on, made of a record's request once for each text that it is written in: programs repeat themselves.

use super::fields::Fields;
use super::memo::Memo;
use super::names::kinds;
use super::request::{LONGEST, Setting, named};
use std::borrow::Cow;
use std::sync::Arc;

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
}

impl ActedOn {
    /// What kinds of things the call acted on, as one of [`ActedOn::shows`]: ARNs with names as `x`, or `kinds:?` where not
    /// all of them are known.
    pub fn kinds(&self) -> Option<Cow<'static, str>> {
        if self.unresolved {
            return Some(Cow::Borrowed("kinds:?"));
        }
        kinds(&self.resources).filter(|kinds| kinds.len() <= LONGEST).map(Cow::Owned)
    }

    /// Bytes that it holds.
    pub fn weight(&self) -> usize {
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
pub(super) struct Requests(Memo<Option<Arc<ActedOn>>>);

impl Requests {
    /// What a call acted on; nothing where the record has to be read the general way.
    pub(super) fn acted_on(
        &mut self,
        fields: &Fields<'_>,
        setting: &Setting<'_>,
    ) -> Option<Option<Arc<ActedOn>>> {
        let texts = [fields.record.request_parameters, fields.record.resources].map(Option::unwrap_or_default);
        if texts.iter().map(|text| text.len()).sum::<usize>() > LONGEST_REQUEST {
            return acted_on(fields, setting);
        }
        let Self(memo) = self;
        let Setting { host, event, region, account, partition, error, reads } = setting;
        memo.begin();
        [*host, event, region, account, partition, error].iter().for_each(|text| memo.piece(text));
        texts.iter().for_each(|text| memo.piece(text));
        memo.bytes(&[u8::from(*reads)]);
        if let Some(known) = memo.find() {
            return Some(known);
        }
        let made = acted_on(fields, setting)?;
        memo.learn(made.clone(), made.as_ref().map_or(0, |made| made.weight()));
        Some(made)
    }
}

/// The same, read anew.
pub(super) fn acted_on(fields: &Fields<'_>, setting: &Setting<'_>) -> Option<Option<Arc<ActedOn>>> {
    let made = named(fields, setting)?;
    Some((!made.is_nothing()).then(|| Arc::new(made)))
}
