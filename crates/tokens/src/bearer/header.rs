//! The header that carries a token.

use countersign_core::http::Request;
use countersign_core::http::header::AUTHORIZATION;
use countersign_core::{AccessToken, ApiOrigin};

/// Returns whether a token is to be added: not to another origin, nor over what the caller has set.
pub(super) fn is_due<B>(origin: &ApiOrigin, request: &Request<B>) -> bool {
    origin.is_of(request.uri()) && !request.headers().contains_key(AUTHORIZATION)
}

pub(super) fn add<B>(request: &mut Request<B>, token: &AccessToken) {
    request.headers_mut().insert(AUTHORIZATION, token.authorization_header());
}
