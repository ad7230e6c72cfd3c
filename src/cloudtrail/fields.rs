//! The raw fields of a record that offkey looks at, found by the general parser or by the quick walk.

use super::json::members;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a part of a record could not be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// How records are taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    /// By `serde_json`: everything that is JSON, except that a field must not be repeated.
    General,
    /// By the quick walk: the usual forms only.
    Quick,
}

fn slice<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de str>, D::Error> {
    Ok(Option::<&RawValue>::deserialize(deserializer)?.map(RawValue::get))
}

/// One list of names makes the struct and both ways to fill it. A field is its raw JSON text; absent and null are
/// nothing.
macro_rules! raw_fields {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $key:literal,)* }) => {
        $(#[$doc])*
        #[derive(Deserialize, Default)]
        #[serde(default)]
        pub(super) struct $name<'a> {
            $(
                #[serde(borrow, rename = $key, deserialize_with = "slice")]
                pub(super) $field: Option<&'a str>,
            )*
        }

        impl<'a> $name<'a> {
            pub(super) fn read(raw: &'a str, reader: Reader) -> Result<Self, Unreadable> {
                if reader == Reader::General {
                    return serde_json::from_str(raw).map_err(|_| Unreadable);
                }
                // Repeated fields need the general way, where the last one wins.
                $(let mut $field: Option<Option<&'a str>> = None;)*
                members(raw, |key, value| {
                    let slot = match key {
                        $($key => &mut $field,)*
                        _ => return Some(()),
                    };
                    let value = (value != "null").then_some(value);
                    slot.replace(value).is_none().then_some(())
                })
                .ok_or(Unreadable)?;
                Ok(Self { $($field: $field.flatten(),)* })
            }

            #[allow(dead_code, reason = "a whole record is no part of one")]
            /// A part of a record; one that is no object has no fields.
            pub(super) fn part(raw: Option<&'a str>, reader: Reader) -> Result<Self, Unreadable> {
                match raw {
                    Some(raw) if raw.starts_with('{') => Self::read(raw, reader),
                    _ => Ok(Self::default()),
                }
            }
        }
    };
}

raw_fields! {
    /// A whole record.
    RawRecord {
        user_identity: "userIdentity",
        event_time: "eventTime",
        event_source: "eventSource",
        event_name: "eventName",
        aws_region: "awsRegion",
        source_ip: "sourceIPAddress",
        user_agent: "userAgent",
        error_code: "errorCode",
        event_id: "eventID",
        shared_event_id: "sharedEventID",
        addendum: "addendum",
        recipient_account_id: "recipientAccountId",
        vpc_endpoint_id: "vpcEndpointId",
        event_category: "eventCategory",
        event_type: "eventType",
        management_event: "managementEvent",
        additional_event_data: "additionalEventData",
        request_parameters: "requestParameters",
        response_elements: "responseElements",
        session_credential_from_console: "sessionCredentialFromConsole",
        read_only: "readOnly",
        resources: "resources",
    }
}

raw_fields! {
    /// `userIdentity`.
    RawIdentity {
        kind: "type",
        access_key_id: "accessKeyId",
        account_id: "accountId",
        arn: "arn",
        user_name: "userName",
        session_context: "sessionContext",
        invoked_by: "invokedBy",
    }
}

raw_fields! {
    /// `responseElements` and the credentials in it.
    RawCredentials {
        credentials: "credentials",
        access_key_id: "accessKeyId",
    }
}

raw_fields! {
    /// The parts of `requestParameters` that say what was acted on.
    RawRequest {
        role_arn: "roleArn",
        bucket: "bucketName",
        object: "key",
    }
}

raw_fields! {
    /// `additionalEventData`.
    RawAdditional {
        authentication_method: "AuthenticationMethod",
    }
}

raw_fields! {
    /// `addendum`.
    RawAddendum {
        original_event_id: "originalEventID",
        reason: "reason",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext`.
    RawContext {
        attributes: "attributes",
        session_issuer: "sessionIssuer",
    }
}

raw_fields! {
    /// `userIdentity.sessionContext.sessionIssuer`.
    RawIssuer {
        user_name: "userName",
    }
}

raw_fields! {
    /// One of `resources`.
    RawResource {
        arn: "ARN",
    }
}
