use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::ServerError;

/// HelloSign's error body. [`Error::server`](crate::Error::server) has the same in words that fit
/// every provider; this is for programs that were written against the published model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// The error.
    pub error: ErrorResponseError,
}

/// What is in an [`ErrorResponse`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorResponseError {
    /// The message.
    pub error_msg: String,
    /// The name: `bad_request`, `unauthorized`, `payment_required`, `forbidden`, `not_found`,
    /// `conflict`, `deleted`, `unprocessable_entity` or `exceeded_rate` have been seen.
    pub error_name: String,
    /// The part of the request that was at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_path: Option<String>,
}

/// A warning in an answer that is a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WarningResponse {
    /// The message.
    pub warning_msg: String,
    /// The name.
    pub warning_name: String,
}

impl From<&ServerError> for ErrorResponse {
    fn from(error: &ServerError) -> Self {
        let error = ErrorResponseError {
            error_msg: error.description().unwrap_or_default().to_owned(),
            error_name: error.code().to_owned(),
            error_path: error.path().map(ToOwned::to_owned),
        };
        Self { error }
    }
}

/// The warnings that can be read: none of them is worth failing for.
pub(super) fn readable<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<WarningResponse>, D::Error> {
    let warnings = match Value::deserialize(deserializer)? {
        Value::Array(warnings) => warnings,
        _ => Vec::new(),
    };
    Ok(warnings.iter().filter_map(|warning| WarningResponse::deserialize(warning).ok()).collect())
}
