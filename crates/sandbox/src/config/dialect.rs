//! The choices in which real servers differ.

use std::time::Duration;

/// Which server the sandbox plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dialect {
    /// HelloSign (Dropbox Sign), both of its hosts on one origin.
    HelloSign,
    /// A strict RFC 6749 server with PKCE (RFC 7636) and `iss` (RFC 9207).
    Rfc6749,
}

/// What happens to a refresh token when it is used (RFC 6749 section 6, RFC 9700 section 4.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rotation {
    /// The refresh token stays. HelloSign does this.
    Never,
    /// Each refresh issues a new one; an old one revokes the whole grant, its newest tokens included.
    Strict,
    /// As `Strict`, but the token that was replaced last answers again, with the same successor,
    /// until `window` has passed since it was replaced. Anything older revokes the grant.
    Grace {
        /// How long a replaced token still answers.
        window: Duration,
    },
}

/// How `expires_in` is written in a token response (RFC 6749 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpiresIn {
    /// As a JSON number, which is right.
    Integer,
    /// As a JSON string, which some servers do.
    String,
    /// Left out.
    Absent,
}

/// The shape of an error at HelloSign's token endpoint. The RFC 6749 dialect has only its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenErrors {
    /// `{"error": "invalid_grant", "error_description": …}`, as the live service answers.
    Live,
    /// `{"error": {"error_msg": …, "error_name": …}}`, as the published contract says.
    Documented,
}

/// Which spelling of HelloSign's rate limit headers is sent, on 200 and 404.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RateLimitHeaders {
    /// `X-RateLimit-Limit`, `X-RateLimit-Remaining`, `X-Ratelimit-Reset`.
    Documented,
    /// `X-RateLimit-Limit`, `X-Ratelimit-Limit-Remaining`, `X-Ratelimit-Reset`.
    Live,
    /// All four names.
    Both,
    /// None of them.
    None,
}

/// Whether HelloSign's refresh request must carry `client_id` and `client_secret`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshCredentials {
    /// A newer API app: a refresh without them is refused.
    Required,
    /// An older API app: they may be left out, and are checked if they are sent.
    Optional,
}

/// How a confidential client authenticates in the RFC 6749 dialect (section 2.3.1).
///
/// HelloSign takes the credentials in the body, whatever is registered here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuthentication {
    /// HTTP Basic, client id and secret form-encoded before base64.
    Basic,
    /// `client_id` and `client_secret` in the request body.
    RequestBody,
}
