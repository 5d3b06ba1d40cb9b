//! What a provider's settings change in what is sent.

mod authentication;
mod authorization_url;
mod token_request;
