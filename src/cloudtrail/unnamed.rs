//! Ids for records of log objects that have none: from what they say, and which of those that say the same it is.

use super::event::{Event, EventId};
use sha2::{Digest, Sha256};

impl Event<'_> {
    /// What an event without an id is known by within the log object of that name. Whoever reads the object, in whatever
    /// order or form, finds the same: it holds nothing of where or how the record is written.
    pub fn fingerprint(&self, object: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut put = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        put(object);
        put(&format!("{:?} {:?} {:?}", self.identity.kind, self.read_only, self.presigned));
        put(&self.time.map_or(String::new(), |time| time.as_microsecond().to_string()));
        let identity = &self.identity;
        let who = [
            identity.key.as_deref().unwrap_or_default(),
            identity.account.as_deref().unwrap_or_default(),
            &identity.arn,
            &identity.user,
            &identity.invoked_by,
        ];
        who.into_iter().for_each(&mut put);
        let call =
            [&self.source, &self.name, &self.region, &self.ip, &self.agent, &self.error, &self.recipient];
        call.into_iter().for_each(|text| put(text));
        put(&self.vpc_endpoint);
        let minted = self.minted.as_ref().map(|minted| [&*minted.key, &*minted.role_arn]);
        minted.into_iter().flatten().for_each(&mut put);
        let acted_on = self.acted_on.as_deref();
        let (resources, shows) = acted_on.map_or((&[][..], &[][..]), |on| (&on.resources, &on.shows));
        put(&resources.len().to_string());
        resources.iter().for_each(|text| put(text));
        put(&shows.len().to_string());
        shows.iter().for_each(|text| put(text));
        hash.finalize().into()
    }
}

/// The id of the nth event of a fingerprint. The first four bytes are such as no id of the usual kind has: that is how
/// such ids are known.
pub fn made_up_id(fingerprint: &[u8; 32], nth: u64) -> EventId {
    let mut hash = Sha256::new();
    hash.update(fingerprint);
    hash.update(nth.to_be_bytes());
    let mut id = [0xff; 16];
    for (slot, byte) in id.iter_mut().zip(hash.finalize()).skip(4) {
        *slot = byte;
    }
    id
}
