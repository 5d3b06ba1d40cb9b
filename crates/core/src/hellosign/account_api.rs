use std::fmt;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::api_response::ApiResponse;
use super::caller::Caller;
use super::models::{
    AccountCreateRequest, AccountCreateResponse, AccountGetResponse, AccountVerifyRequest,
    AccountVerifyResponse, DOCUMENTED,
};
use crate::body::Body;
use crate::clock::Clock;
use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, Operation};
use crate::json;
use crate::provider::{BodyFormat, Leniency};
use crate::request::{basic_value, encode_fields};
use crate::transport::{Limits, Transport};

/// The account operations that the OAuth API needs: who a token is, and the second way to one, by
/// creating an account.
///
/// ```
/// # use countersign_core as countersign;
/// use countersign::hellosign::{AccountApi, ApiCredentials};
/// use countersign::AccessToken;
///
/// # async fn example(
/// #     transport: impl countersign::Transport,
/// #     token: AccessToken,
/// # ) -> Result<(), countersign::Error> {
/// let api = AccountApi::new(transport, ApiCredentials::AccessToken(token))?;
/// let account = api.account_get(None, None).await?.account;
/// println!("{:?}", account.email_address);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct AccountApi {
    caller: Caller,
    credentials: ApiCredentials,
    base: String,
}

/// How a call to HelloSign's API says on whose behalf it is.
#[derive(Clone)]
#[non_exhaustive]
pub enum ApiCredentials {
    /// An account's API key: HTTP Basic, as the user name, with an empty password.
    ApiKey(SecretString),
    /// A user's access token: `Authorization: Bearer`.
    AccessToken(crate::token::AccessToken),
}

/// Where the live API is. The token operations are elsewhere: see
/// [`Provider::hellosign`](crate::Provider::hellosign).
const LIVE: &str = "https://api.hellosign.com";

impl AccountApi {
    /// The live service, over `transport`.
    ///
    /// # Errors
    ///
    /// As [`with_origin`](Self::with_origin).
    pub fn new(transport: impl Transport, credentials: ApiCredentials) -> Result<Self, Error> {
        Self::with_origin(LIVE, transport, credentials)
    }

    /// The service at `scheme://host:port`, such as a sandbox's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) when `origin` is not `https`
    /// (or `http` on this machine), or has a path.
    pub fn with_origin(
        origin: &str,
        transport: impl Transport,
        credentials: ApiCredentials,
    ) -> Result<Self, Error> {
        let endpoint = Endpoint::new("API origin", origin)?;
        if endpoint.uri.path_and_query().is_some_and(|path| path != "/") {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the API's origin is `scheme://host:port`, without a path",
            ));
        }
        let base = endpoint.origin;
        Ok(Self { caller: Caller::new(transport), credentials, base })
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

    /// "Get Account": the account of the credentials, or the one of this id or address.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`](crate::Client::refresh); after a token that has ended the recovery is
    /// [`Refresh`](crate::Recovery::Refresh).
    pub async fn account_get(
        &self,
        account_id: Option<&str>,
        email_address: Option<&str>,
    ) -> Result<AccountGetResponse, Error> {
        Ok(self.account_get_with_http_info(account_id, email_address).await?.data)
    }

    /// [`account_get`](Self::account_get) with status, headers and rate limit.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn account_get_with_http_info(
        &self,
        account_id: Option<&str>,
        email_address: Option<&str>,
    ) -> Result<ApiResponse<AccountGetResponse>, Error> {
        // The serialiser is not `Send`, and must not be there across the call.
        let query = {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(account_id.map(|id| ("account_id", id)));
            query.extend_pairs(email_address.map(|address| ("email_address", address)));
            query.finish()
        };
        let separator = if query.is_empty() { "" } else { "?" };
        let request = self.request(Method::GET, &format!("account{separator}{query}"), None)?;
        self.call(request, self.reading(), &[], |body| json::read(body, DOCUMENTED)).await
    }

    /// "Create Account": with the client's id and secret in the request, the answer has tokens for
    /// the new account. They work once the user has confirmed it.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`](crate::Client::refresh). When the answer was lost the recovery is
    /// [`OutcomeUnknown`](crate::Recovery::OutcomeUnknown): the account may be there.
    pub async fn account_create(
        &self,
        request: &AccountCreateRequest,
    ) -> Result<AccountCreateResponse, Error> {
        Ok(self.account_create_with_http_info(request).await?.data)
    }

    /// [`account_create`](Self::account_create) with status, headers and rate limit.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn account_create_with_http_info(
        &self,
        request: &AccountCreateRequest,
    ) -> Result<ApiResponse<AccountCreateResponse>, Error> {
        let body = encode_fields(BodyFormat::Json, request.fields());
        let secret = request.client_secret.as_ref().map(ExposeSecret::expose_secret);
        let requested_at = self.caller.channel.now();
        let sent = self.request(Method::POST, "account/create", Some(body))?;
        self.call(sent, Operation::Create, &[secret.unwrap_or_default()], |body| {
            AccountCreateResponse::read(body, requested_at)
        })
        .await
    }

    /// "Verify Account": whether there is an account of this address.
    ///
    /// # Errors
    ///
    /// As [`Client::refresh`](crate::Client::refresh).
    pub async fn account_verify(
        &self,
        request: &AccountVerifyRequest,
    ) -> Result<AccountVerifyResponse, Error> {
        Ok(self.account_verify_with_http_info(request).await?.data)
    }

    /// [`account_verify`](Self::account_verify) with status, headers and rate limit.
    ///
    /// # Errors
    ///
    /// The same.
    pub async fn account_verify_with_http_info(
        &self,
        request: &AccountVerifyRequest,
    ) -> Result<ApiResponse<AccountVerifyResponse>, Error> {
        let body = encode_fields(BodyFormat::Json, request.fields());
        let sent = self.request(Method::POST, "account/verify", Some(body))?;
        self.call(sent, self.reading(), &[], |body| json::read(body, DOCUMENTED)).await
    }

    async fn call<T>(
        &self,
        request: Request<Body>,
        operation: Operation,
        secrets: &[&str],
        read: impl FnOnce(&[u8]) -> Result<T, Error>,
    ) -> Result<ApiResponse<T>, Error> {
        let own = self.credentials.secret();
        let secrets: Vec<&str> = secrets.iter().copied().chain([own]).collect();
        let leniency = Leniency::default();
        self.caller
            .call(request, operation, leniency, &secrets, |reader, answer| {
                reader.json(answer, read)
            })
            .await
    }

    fn reading(&self) -> Operation {
        let with_access_token = matches!(self.credentials, ApiCredentials::AccessToken(_));
        Operation::Read { with_access_token }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Body>,
    ) -> Result<Request<Body>, Error> {
        let uri = Uri::try_from(format!("{}/v3/{path}", self.base)).map_err(|error| {
            Error::new(
                ErrorKind::Configuration,
                "the account id or address cannot be part of a URL",
            )
            .with_source(error)
        })?;
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(AUTHORIZATION, self.credentials.header());
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl ApiCredentials {
    fn header(&self) -> HeaderValue {
        match self {
            Self::AccessToken(token) => token.authorization_header(),
            Self::ApiKey(key) => basic_value(&Zeroizing::new([key.expose_secret(), ":"].concat())),
        }
    }

    fn secret(&self) -> &str {
        match self {
            Self::AccessToken(token) => token.expose_secret(),
            Self::ApiKey(key) => key.expose_secret(),
        }
    }
}

impl fmt::Debug for ApiCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ApiKey(_) => "ApiKey([redacted])",
            Self::AccessToken(_) => "AccessToken([redacted])",
        })
    }
}
