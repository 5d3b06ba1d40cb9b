//! Request parameters, from a query, a form, a multipart form or a JSON object.

use axum::body::Body;
use axum::extract::{FromRequest as _, Multipart, Request};
use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value};

use crate::config::Dialect;
use crate::state::Refusal;

/// Name and value pairs. One without a value counts as left out (RFC 6749 section 3.1).
// No `Debug`: codes, tokens and secrets are in here.
#[derive(Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn from_form(form: &[u8]) -> Self {
        Self::from_pairs(form_urlencoded::parse(form).into_owned())
    }

    /// Reads a body by its content type: RFC 6749 knows forms, HelloSign also reads multipart forms
    /// and JSON.
    pub(crate) async fn from_body(
        headers: &HeaderMap,
        body: Bytes,
        dialect: Dialect,
    ) -> Result<Self, Refusal> {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type
            .and_then(|value| value.split(';').next())
            .map(|value| value.trim().to_ascii_lowercase());
        match (media_type.as_deref(), dialect) {
            (Some("application/x-www-form-urlencoded"), _) => Ok(Self::from_form(&body)),
            (Some("application/json"), Dialect::HelloSign) => Self::from_json(&body),
            (Some("multipart/form-data"), Dialect::HelloSign) => {
                Self::from_multipart(headers, body).await
            }
            _ => Err(Refusal::ContentType),
        }
    }

    /// The value of a parameter, the first one if it is repeated.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(known, _)| known == name).count() > 1
    }

    pub(crate) fn any_repeated(&self) -> bool {
        self.0.iter().any(|(name, _)| self.repeats(name))
    }

    fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Self {
        Self(pairs.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn from_json(body: &[u8]) -> Result<Self, Refusal> {
        const SHAPE: Refusal = Refusal::Malformed("The body must be a JSON object of strings.");
        let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| SHAPE)?;
        let mut pairs = Vec::new();
        for (name, value) in object {
            match value {
                Value::Null => {}
                Value::String(value) => pairs.push((name, value)),
                _ => return Err(SHAPE),
            }
        }
        Ok(Self::from_pairs(pairs.into_iter()))
    }

    async fn from_multipart(headers: &HeaderMap, body: Bytes) -> Result<Self, Refusal> {
        const SHAPE: Refusal = Refusal::Malformed("The multipart form cannot be read.");
        let mut request = Request::new(Body::from(body));
        *request.headers_mut() = headers.clone();
        let mut form = Multipart::from_request(request, &()).await.map_err(|_| SHAPE)?;
        let mut pairs = Vec::new();
        while let Some(field) = form.next_field().await.map_err(|_| SHAPE)? {
            let name = field.name().ok_or(SHAPE)?.to_owned();
            pairs.push((name, field.text().await.map_err(|_| SHAPE)?));
        }
        Ok(Self::from_pairs(pairs.into_iter()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_and_an_empty_value_is_left_out() {
        let params = Params::from_form(b"a=1+2%26&b=&a=3&c=x");
        assert_eq!(params.get("a"), Some("1 2&"));
        assert_eq!(params.get("b"), None);
        assert!(params.repeats("a") && !params.repeats("c") && params.any_repeated());
    }

    #[test]
    fn json_must_be_an_object_of_strings() {
        for body in ["null", "[]", "\"a\"", "{\"a\":1}", "{\"a\":{}}", "{", ""] {
            let refused = Params::from_json(body.as_bytes()).err();
            assert!(matches!(refused, Some(Refusal::Malformed(_))), "{body}");
        }
        let params = Params::from_json(br#"{"a":"1","b":null}"#).ok();
        assert_eq!(params.as_ref().and_then(|params| params.get("a")), Some("1"));
        assert_eq!(params.as_ref().and_then(|params| params.get("b")), None);
    }
}
