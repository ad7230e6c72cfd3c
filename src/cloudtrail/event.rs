//! One CloudTrail event, reduced to what evidence is made of.

use super::acted_on::ActedOn;
use crate::model::AccessKeyId;
use jiff::Timestamp;
use std::borrow::Cow;

/// `eventID` as its sixteen bytes, where it is a UUID. Placeholders such as `"1"` repeat on different
/// records, so only UUIDs identify an event.
pub type EventId = [u8; 16];

/// The record contents are described at
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.
/// Text fields are as written, borrowed from the record where that is possible; absent and null ones are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// Who made the call.
    pub identity: Identity<'a>,
    /// `eventTime`, where it can be read.
    pub time: Option<Timestamp>,
    /// `eventSource`: the service's host name.
    pub source: Cow<'a, str>,
    /// `eventName`: the API call.
    pub name: Cow<'a, str>,
    /// `awsRegion`.
    pub region: Cow<'a, str>,
    /// `sourceIPAddress`: an address, a service's host name or `AWS Internal`.
    pub ip: Cow<'a, str>,
    /// `userAgent`, without the `[…]` that some services put around it.
    pub agent: Cow<'a, str>,
    /// `errorCode`; empty where the call succeeded.
    pub error: Cow<'a, str>,
    /// `eventID`.
    pub id: Option<EventId>,
    /// `sharedEventID`: the same call in another account's trail.
    pub shared_id: Cow<'a, str>,
    /// `addendum.originalEventID` of a record that replaces an earlier one (reason `UPDATED_DATA`).
    pub replaces: Option<EventId>,
    /// `recipientAccountId`: whose trail this is.
    pub recipient: Cow<'a, str>,
    /// `vpcEndpointId`.
    pub vpc_endpoint: Cow<'a, str>,
    /// Whether it is an API call (`eventType` `AwsApiCall`, or none, as in the oldest records).
    pub api_call: bool,
    /// Whether its identity is written in a form that cannot be read, so that its key is not known.
    pub odd_identity: bool,
    /// What sort of event it is.
    pub category: Category,
    /// Whether the request was authenticated by a query string, that is, by a presigned URL
    /// (`additionalEventData.AuthenticationMethod`).
    pub presigned: bool,
    /// Credentials that the call handed out.
    pub minted: Option<Minted<'a>>,
    /// `readOnly`, where it is written.
    pub read_only: Option<bool>,
    /// What the call acted on, and what its request shows; nothing where neither says anything, where the record names no key,
    /// so that it is nobody's who is asked about, or where less than [`super::Detail::Names`] was wanted.
    pub acted_on: Option<Cow<'a, ActedOn>>,
}

/// `userIdentity`
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity<'a> {
    /// `type`.
    pub kind: IdentityKind,
    /// `accessKeyId`, where there is one.
    pub key: Option<Cow<'a, str>>,
    /// `accountId`, or the account of the ARN.
    pub account: Option<Cow<'a, str>>,
    /// `arn`.
    pub arn: Cow<'a, str>,
    /// `userName`; [`crate::model::ROOT_USER`] for root.
    pub user: Cow<'a, str>,
    /// Whether a non-empty `sessionContext` was there, which a static key's own calls do not have.
    pub in_session: bool,
    /// The IAM user whose session it is, where `sessionContext.sessionIssuer` names one.
    pub issuer: Cow<'a, str>,
    /// `sessionCredentialFromConsole`.
    pub from_console: bool,
    /// `invokedBy`: the service that made the call on the caller's behalf.
    pub invoked_by: Cow<'a, str>,
}

/// The types of identity that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IdentityKind {
    /// The account's root user.
    Root,
    /// An IAM user, by its static key or by a session without a role.
    IamUser,
    /// A role's session.
    AssumedRole,
    /// A session from GetFederationToken.
    FederatedUser,
    /// A principal of another account.
    AwsAccount,
    /// An AWS service on its own account.
    AwsService,
    /// Any other type, or none.
    #[default]
    Other,
}

/// Event classes, by what a trail must be configured to record
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Control plane; what every trail records by default.
    #[default]
    Management,
    /// Data plane, such as S3 object calls; only where the trail was told to.
    Data,
    /// Insight, network-activity and aggregated events: no single caller.
    Other,
}

/// Temporary credentials in `responseElements.credentials`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minted<'a> {
    /// The session's key id.
    pub key: Cow<'a, str>,
    /// `requestParameters.roleArn`, empty where no role was assumed.
    pub role_arn: Cow<'a, str>,
}

impl Event<'_> {
    /// Whether the call counts as use of a static key: type IAMUser or Root and an `AKIA` id.
    /// `AKIA` ids do occur on other types; those are reported, never counted.
    pub fn is_static_key_use(&self) -> bool {
        matches!(self.identity.kind, IdentityKind::IamUser | IdentityKind::Root)
            && self.identity.key.as_deref().is_some_and(AccessKeyId::names_static)
    }

    /// The same event, independent of the record's text.
    pub fn into_owned(self) -> Event<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Event {
            identity: self.identity.into_owned(),
            time: self.time,
            source: own(self.source),
            name: own(self.name),
            region: own(self.region),
            ip: own(self.ip),
            agent: own(self.agent),
            error: own(self.error),
            id: self.id,
            shared_id: own(self.shared_id),
            replaces: self.replaces,
            recipient: own(self.recipient),
            vpc_endpoint: own(self.vpc_endpoint),
            api_call: self.api_call,
            odd_identity: self.odd_identity,
            category: self.category,
            presigned: self.presigned,
            minted: self.minted.map(|minted| Minted { key: own(minted.key), role_arn: own(minted.role_arn) }),
            read_only: self.read_only,
            acted_on: self.acted_on.map(|on| Cow::Owned(on.into_owned())),
        }
    }
}

impl Identity<'_> {
    /// The same identity, independent of the record's text.
    pub fn into_owned(self) -> Identity<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Identity {
            kind: self.kind,
            key: self.key.map(own),
            account: self.account.map(own),
            arn: own(self.arn),
            user: own(self.user),
            in_session: self.in_session,
            issuer: own(self.issuer),
            from_console: self.from_console,
            invoked_by: own(self.invoked_by),
        }
    }
}
