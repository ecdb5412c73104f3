//! The envelope around every answer of the provider itself.

use http::StatusCode;
use serde::Serialize;

use crate::provider::Reply;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a, T> {
    status_code: u16,
    status_message: &'static str,
    status_description: &'static str,
    result: Body<'a, T>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a, T> {
    error_code: &'a str,
    error_message: &'a str,
    data: T,
}

fn envelope<T: Serialize>(status: u16, error_code: &str, error_message: &str, data: T) -> Reply {
    let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    let description = if error_code == "00" { "Request succeeded without error" } else { "Request failed" };
    let body = Envelope {
        status_code: status,
        status_message: reason.unwrap_or("Error"),
        status_description: description,
        result: Body { error_code, error_message, data },
    };
    Reply::json(status, &body)
}

/// The answer to a request that was carried out.
pub(super) fn done(data: impl Serialize) -> Reply {
    envelope(200, "00", "Sukses", data)
}

/// The answer to an accepted inject, whose message is spelt otherwise.
pub(super) fn accepted(data: impl Serialize) -> Reply {
    envelope(200, "00", "Success", data)
}

/// A refusal with nothing executed.
pub(super) fn refused(status: u16, code: &str, message: &str) -> Reply {
    envelope(status, code, message, ()).refused()
}

/// The request's form is wrong.
pub(super) fn bad_request(message: &str) -> Reply {
    refused(400, "SBX-BADREQUEST", message)
}
