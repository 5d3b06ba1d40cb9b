//! The `oauth2` crate, asynchronous, with the stub as its HTTP client.
//!
//! It writes forms only, and reads a callback in no way: its caller compares `state`.

use std::convert::Infallible;

use bytes::Bytes;
use http::Response;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenUrl,
};

use crate::operation::{Operation, ready};
use crate::registration::{
    AUTHORIZATION_URL, CLIENT_ID, CLIENT_SECRET, CODE, REDIRECT_URI, SCOPE, TOKEN_URL,
};
use crate::stub::Answer;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// `exchange_code(..).request_async(..)`, with the client's credentials in the body.
pub struct Exchange {
    client: Client,
    answer: Answer,
}

impl Exchange {
    /// With this answer.
    #[must_use]
    pub fn new(answer: Answer) -> Self {
        Self { client: client().set_auth_type(AuthType::RequestBody), answer }
    }
}

impl Operation for Exchange {
    type Input = AuthorizationCode;
    type Output = BasicTokenResponse;

    fn prepare(&self) -> AuthorizationCode {
        AuthorizationCode::new(CODE.to_owned())
    }

    fn run(&self, code: AuthorizationCode) -> BasicTokenResponse {
        let answer = self.answer;
        let send = |_request: HttpRequest| async move {
            Ok::<_, Infallible>(Response::map(answer.respond(), |body: Bytes| body.into()))
        };
        ready(self.client.exchange_code(code).request_async(&send)).expect("the stub grants it")
    }
}

/// An authorization URL with PKCE.
pub struct Authorize(Client);

impl Authorize {
    /// For anyone.
    #[must_use]
    pub fn new() -> Self {
        Self(client())
    }
}

impl Default for Authorize {
    fn default() -> Self {
        Self::new()
    }
}

impl Operation for Authorize {
    type Input = ();
    type Output = (String, CsrfToken, PkceCodeVerifier);

    fn prepare(&self) {}

    fn run(&self, (): ()) -> Self::Output {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state) = self
            .0
            .authorize_url(CsrfToken::new_random)
            .set_pkce_challenge(challenge)
            .add_scope(Scope::new(SCOPE.to_owned()))
            .url();
        (url.into(), state, verifier)
    }
}

fn client() -> Client {
    let url = "the registration is in order";
    BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_uri(AuthUrl::new(AUTHORIZATION_URL.to_owned()).expect(url))
        .set_token_uri(TokenUrl::new(TOKEN_URL.to_owned()).expect(url))
        .set_redirect_uri(RedirectUrl::new(REDIRECT_URI.to_owned()).expect(url))
}
