use secrecy::ExposeSecret;

use super::api_response::ApiResponse;
use super::caller::Caller;
use super::models::{OAuthTokenGenerateRequest, OAuthTokenRefreshRequest, OAuthTokenResponse};
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::error::{Error, Operation};
use crate::provider::Provider;
use crate::request::{Template, extra};
use crate::transport::{Limits, Transport};

/// The two token operations of HelloSign's OAuth API, as the vendor's SDKs have them.
///
/// Below the [flow](crate::AuthorizationFlow): nothing is judged, remembered or bound to a browser
/// here. Each operation comes in two forms, of which `…_with_http_info` returns status, headers
/// and rate limit too. No authorization header is sent; what the server needs is in the body.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::hellosign::{OAuthApi, OAuthTokenRefreshRequest};
///
/// # async fn example(transport: impl countersign::Transport) -> Result<(), countersign::Error> {
/// let api = OAuthApi::new(transport)?;
/// let request = OAuthTokenRefreshRequest::new("hNTI2MTFmM2VmZDQx…")
///     .with_client("client id", "client secret");
/// let answer = api.oauth_token_refresh_with_http_info(&request).await?;
/// println!("{} {:?}", answer.status, answer.rate_limit);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct OAuthApi {
    caller: Caller,
    provider: Provider,
    generate: Template,
    refresh: Template,
}

impl OAuthApi {
    /// The live service, over `transport`.
    ///
    /// # Errors
    ///
    /// As [`with_provider`](Self::with_provider).
    pub fn new(transport: impl Transport) -> Result<Self, Error> {
        Self::with_provider(Provider::hellosign(), transport)
    }

    /// The service that `provider` describes, such as a sandbox:
    /// `Provider::hellosign().with_origin("http://127.0.0.1:8787")`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when one of the provider's
    /// endpoints is not an `https` URL (or `http` on this machine), or the two for tokens are of
    /// different origins.
    pub fn with_provider(provider: Provider, transport: impl Transport) -> Result<Self, Error> {
        let (token, refresh) = Endpoint::of_tokens(&provider)?;
        let generate = Template::new(token.uri, provider.body_format, None);
        let refresh = Template::new(refresh.uri, provider.body_format, None);
        Ok(Self { caller: Caller::new(transport), provider, generate, refresh })
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.caller = self.caller.with_clock(clock);
        self
    }

    /// The same with other limits for a call.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.caller = self.caller.with_limits(limits);
        self
    }

    /// "OAuth Token Generate": exchanges a code for tokens.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`](crate::Client::refresh). A code counts as sent unless the transport
    /// says that nothing was.
    pub async fn oauth_token_generate(
        &self,
        request: &OAuthTokenGenerateRequest,
    ) -> Result<OAuthTokenResponse, Error> {
        Ok(self.oauth_token_generate_with_http_info(request).await?.data)
    }

    /// [`oauth_token_generate`](Self::oauth_token_generate) with status, headers and rate limit.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn oauth_token_generate_with_http_info(
        &self,
        request: &OAuthTokenGenerateRequest,
    ) -> Result<ApiResponse<OAuthTokenResponse>, Error> {
        let secrets = [&request.client_secret, &request.code, &request.state];
        let secrets = secrets.map(|secret| secret.expose_secret());
        let sent = self.generate.request(request.fields().chain(extra(&self.provider)));
        self.call(sent, Operation::Code, &secrets).await
    }

    /// "OAuth Token Refresh": exchanges a refresh token for a new access token.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`](crate::Client::refresh).
    pub async fn oauth_token_refresh(
        &self,
        request: &OAuthTokenRefreshRequest,
    ) -> Result<OAuthTokenResponse, Error> {
        Ok(self.oauth_token_refresh_with_http_info(request).await?.data)
    }

    /// [`oauth_token_refresh`](Self::oauth_token_refresh) with status, headers and rate limit.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn oauth_token_refresh_with_http_info(
        &self,
        request: &OAuthTokenRefreshRequest,
    ) -> Result<ApiResponse<OAuthTokenResponse>, Error> {
        let client_secret = request.client_secret.as_ref().map(ExposeSecret::expose_secret);
        let secrets = [request.refresh_token.expose_secret(), client_secret.unwrap_or_default()];
        let sent = self.refresh.request(request.fields().chain(extra(&self.provider)));
        self.call(sent, Operation::Refresh(self.provider.rotation), &secrets).await
    }

    async fn call(
        &self,
        request: http::Request<crate::body::Body>,
        operation: Operation,
        secrets: &[&str],
    ) -> Result<ApiResponse<OAuthTokenResponse>, Error> {
        let leniency = self.provider.leniency;
        let call = self.caller.call(request, operation, leniency, secrets, |reader, answer| {
            let requested_at = answer.requested_at;
            reader.verbatim(answer, |token| OAuthTokenResponse::read(token, requested_at))
        });
        call.await
    }
}
