use serde_json::{Map, Value};

use crate::error::{Redactor, ServerError};
use crate::json;

/// What a server says of its refusal, raw: it may repeat the request's secrets.
pub(crate) struct Refusal<'a> {
    pub(crate) code: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) uri: Option<&'a str>,
    pub(crate) path: Option<&'a str>,
}

/// The codes of RFC 6749 (sections 4.1.2.1 and 5.2), RFC 7009 (section 2.2.1) and OpenID Connect,
/// and HelloSign's names.
const KNOWN_CODES: [&str; 27] = [
    "access_denied",
    "account_selection_required",
    "bad_request",
    "conflict",
    "consent_required",
    "deleted",
    "exceeded_rate",
    "forbidden",
    "interaction_required",
    "invalid_client",
    "invalid_grant",
    "invalid_request",
    "invalid_scope",
    "invalid_token",
    "insufficient_scope",
    "login_required",
    "not_found",
    "payment_required",
    "server_error",
    "slow_down",
    "temporarily_unavailable",
    "unauthorized",
    "unauthorized_client",
    "unprocessable_entity",
    "unsupported_grant_type",
    "unsupported_response_type",
    "unsupported_token_type",
];

impl Refusal<'_> {
    /// The same, fit to be shown.
    pub(crate) fn redacted(&self, redactor: &Redactor) -> ServerError {
        ServerError {
            // A code of the standards is no secret, however short the secrets of a request are.
            code: if KNOWN_CODES.contains(&self.code) {
                self.code.to_owned()
            } else {
                redactor.text(self.code)
            },
            description: self.description.map(|text| redactor.text(text)),
            uri: self.uri.map(|text| redactor.text(text)),
            path: self.path.map(|text| redactor.text(text)),
        }
    }
}

/// A refusal as it was read, owned.
pub(crate) struct Said(Map<String, Value>);

impl Said {
    pub(crate) fn redacted(&self, redactor: &Redactor) -> ServerError {
        self.refusal().redacted(redactor)
    }

    fn refusal(&self) -> Refusal<'_> {
        // HelloSign's `ErrorResponse` has an object where RFC 6749 has the code.
        let (members, [code, description, uri, path]) = match self.0.get("error") {
            Some(Value::Object(error)) => {
                (error, ["error_name", "error_msg", "error_uri", "error_path"])
            }
            _ => (&self.0, ["error", "error_description", "error_uri", "error_path"]),
        };
        let text =
            |name: &str| members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Refusal {
            code: text(code).unwrap_or_default(),
            description: text(description),
            uri: text(uri),
            path: text(path),
        }
    }
}

/// Reads an error answer: RFC 6749 section 5.2, or HelloSign's `ErrorResponse`. Nothing when it is
/// neither.
pub(crate) fn said(body: &[u8]) -> Option<Said> {
    let said = Said(json::read(body, "an object").ok()?);
    (!said.refusal().code.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::said;
    use crate::error::Redactor;

    #[test]
    fn both_shapes_are_read() {
        let redactor = Redactor::new([]);
        let rfc = said(br#"{"error":"invalid_grant","error_description":"gone","error_uri":"u"}"#);
        let rfc = rfc.expect("an error").redacted(&redactor);
        assert_eq!(
            (rfc.code(), rfc.description(), rfc.uri()),
            ("invalid_grant", Some("gone"), Some("u"))
        );
        let hellosign = said(
            br#"{"error":{"error_msg":"This value should not be blank","error_path":"cc[0]","error_name":"bad_request"}}"#,
        );
        let hellosign = hellosign.expect("an error").redacted(&redactor);
        assert_eq!(hellosign.code(), "bad_request");
        assert_eq!(hellosign.description(), Some("This value should not be blank"));
        assert_eq!(hellosign.path(), Some("cc[0]"));
    }

    #[test]
    fn other_bodies_say_nothing() {
        for body in [
            "",
            "<html>502</html>",
            "[]",
            "null",
            "{}",
            r#"{"error":null}"#,
            r#"{"error":7}"#,
            r#"{"error":{}}"#,
            r#"{"error":""}"#,
        ] {
            assert!(said(body.as_bytes()).is_none(), "{body}");
        }
    }
}
