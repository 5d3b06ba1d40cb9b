//! An answer of the tester's own, and how it is written in JSON.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use serde::{Deserialize, Serialize};

use super::{Injection, Target, When};

/// An answer that a fault gives instead of the sandbox's own.
///
/// On the control routes: `{"kind": "answer", "status": 429, "headers": {"retry-after": "3"},
/// "body": "…", "when": "before"}`, of which everything may be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, with = "final_status")]
    status: StatusCode,
    #[serde(default, with = "header_map")]
    headers: HeaderMap,
    #[serde(default)]
    body: String,
    #[serde(default)]
    pub(super) when: When,
}

impl Answer {
    /// An answer with this status and an empty body, given before anything is carried out.
    ///
    /// The status must be a final one: 200 to 599.
    #[must_use]
    pub fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: String::new(), when: When::Before }
    }

    /// Adds a header, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The body, sent as `application/json` unless there is a `Content-Type` header.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// Whether the operation is carried out first. Default: it is not carried out at all.
    #[must_use]
    pub fn when(mut self, when: When) -> Self {
        self.when = when;
        self
    }

    /// This answer, for these requests only.
    #[must_use]
    pub fn on(self, target: Target) -> Injection {
        Injection::from(self).on(target)
    }

    /// This answer, that many times.
    #[must_use]
    pub fn times(self, times: u32) -> Injection {
        Injection::from(self).times(times)
    }

    pub(super) fn into_response(self) -> Response<Bytes> {
        let has_body = !self.body.is_empty();
        let mut response = Response::new(Bytes::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if has_body {
            response
                .headers_mut()
                .entry(CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        response
    }
}

/// A status as its number, and one that ends an exchange.
mod final_status {
    use http::StatusCode;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StatusCode, D::Error> {
        let number = u16::deserialize(from)?;
        StatusCode::from_u16(number)
            .ok()
            .filter(|status| (200..=599).contains(&status.as_u16()))
            .ok_or_else(|| D::Error::custom("the status must be between 200 and 599"))
    }
}

/// A status that redirects.
pub(super) mod redirection {
    use http::StatusCode;
    use serde::{Deserializer, Serializer, de::Error as _};

    pub(in crate::fault) fn serialize<S: Serializer>(
        status: &StatusCode,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::final_status::serialize(status, to)
    }

    pub(in crate::fault) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<StatusCode, D::Error> {
        let status = super::final_status::deserialize(from)?;
        if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            Ok(status)
        } else {
            Err(D::Error::custom("the status must be 301, 302, 303, 307 or 308"))
        }
    }
}

/// Headers as an object of strings.
mod header_map {
    use std::collections::BTreeMap;

    use http::{HeaderMap, HeaderName, HeaderValue};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(headers: &HeaderMap, to: S) -> Result<S::Ok, S::Error> {
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect::<BTreeMap<_, _>>()
            .serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<HeaderMap, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in BTreeMap::<String, String>::deserialize(from)? {
            let name = HeaderName::try_from(name).map_err(D::Error::custom)?;
            let value = HeaderValue::try_from(value).map_err(D::Error::custom)?;
            headers.insert(name, value);
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use crate::fault::{Fault, Injection, Target, When};

    fn parse(json: &str) -> Result<Injection, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn faults_are_read_from_json() {
        let injection = parse(
            r#"{"on":"token_refresh","times":2,
                "fault":{"kind":"answer","status":429,"headers":{"Retry-After":"3"},"when":"after"}}"#,
        );
        let injection = injection.expect("well-formed");
        assert_eq!((injection.on, injection.times), (Target::TokenRefresh, 2));
        let Fault::Answer(answer) = injection.fault else { panic!("not an answer") };
        assert_eq!(answer.when, When::After);
        let response = answer.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "3");
        assert_eq!(
            parse(r#"{"fault":{"kind":"reset"}}"#).ok(),
            Some(Fault::Reset { when: When::Before }.into())
        );
    }

    #[test]
    fn what_is_written_is_read_back() {
        let faults = [
            Fault::garbage(),
            Fault::Hold { when: When::After },
            Fault::Redirect { status: http::StatusCode::FOUND, location: None },
        ];
        for fault in faults {
            let injection = fault.on(Target::Api).times(3);
            let json = serde_json::to_string(&injection).expect("writes");
            assert_eq!(parse(&json).ok(), Some(injection), "{json}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for json in [
            r#"{"fault":{"kind":"nonsense"}}"#,
            r#"{"fault":{"kind":"answer","status":99}}"#,
            r#"{"fault":{"kind":"answer","status":101}}"#,
            r#"{"fault":{"kind":"answer","headers":{"a b":"c"}}}"#,
            r#"{"fault":{"kind":"answer","headers":{"a":"b\nc"}}}"#,
            r#"{"fault":{"kind":"redirect","status":304}}"#,
            r#"{"fault":{"kind":"reset","wen":"after"}}"#,
            r#"{"fault":{"kind":"reset"},"on":"nowhere"}"#,
            r#"{"fault":{"kind":"reset"},"times":-1}"#,
            r#"{"fault":{"kind":"reset"},"tims":1}"#,
            r#"{}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
    }
}
