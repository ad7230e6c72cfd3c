//! One CloudTrail event, reduced to what evidence is made of.

use crate::model::{AccessKeyId, AccountId};
use jiff::Timestamp;

/// `eventID` as its sixteen bytes, where it is a UUID. Placeholders such as `"1"` repeat on different
/// records, so only UUIDs identify an event.
pub type EventId = [u8; 16];

/// The record contents are described at
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>.
/// Text fields are as written; absent and null ones are empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Who made the call.
    pub identity: Identity,
    /// `eventTime`, where it can be read.
    pub time: Option<Timestamp>,
    /// `eventSource`: the service's host name.
    pub source: String,
    /// `eventName`: the API call.
    pub name: String,
    /// `awsRegion`.
    pub region: String,
    /// `sourceIPAddress`: an address, a service's host name or `AWS Internal`.
    pub ip: String,
    /// `userAgent`, without the `[…]` that some services put around it.
    pub agent: String,
    /// `errorCode`; empty where the call succeeded.
    pub error: String,
    /// `eventID`.
    pub id: Option<EventId>,
    /// `sharedEventID`: the same call in another account's trail.
    pub shared_id: String,
    /// `addendum.originalEventID` of a record that replaces an earlier one (reason `UPDATED_DATA`).
    pub replaces: Option<EventId>,
    /// `recipientAccountId`: whose trail this is.
    pub recipient: String,
    /// `vpcEndpointId`.
    pub vpc_endpoint: String,
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
    pub minted: Option<Minted>,
}

/// `userIdentity`
/// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// `type`.
    pub kind: IdentityKind,
    /// `accessKeyId`, where there is one.
    pub key: Option<AccessKeyId>,
    /// `accountId`, or the account of the ARN.
    pub account: Option<AccountId>,
    /// `arn`.
    pub arn: String,
    /// `userName`; [`crate::model::ROOT_USER`] for root.
    pub user: String,
    /// Whether a non-empty `sessionContext` was there, which a static key's own calls do not have.
    pub in_session: bool,
    /// The IAM user whose session it is, where `sessionContext.sessionIssuer` names one.
    pub issuer: String,
    /// `sessionCredentialFromConsole`.
    pub from_console: bool,
    /// `invokedBy`: the service that made the call on the caller's behalf.
    pub invoked_by: String,
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
pub struct Minted {
    /// The session's key id.
    pub key: AccessKeyId,
    /// `requestParameters.roleArn`, empty where no role was assumed.
    pub role_arn: String,
}

impl Event {
    /// Whether the call counts as use of a static key: type IAMUser or Root and an `AKIA` id.
    /// `AKIA` ids do occur on other types; those are reported, never counted.
    pub fn is_static_key_use(&self) -> bool {
        matches!(self.identity.kind, IdentityKind::IamUser | IdentityKind::Root)
            && self.identity.key.as_ref().is_some_and(AccessKeyId::is_static)
    }
}
