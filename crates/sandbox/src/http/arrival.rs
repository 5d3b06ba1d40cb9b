//! A request as it arrived: what it asks for, read in full.

use axum::body::to_bytes;
use axum::extract::Request;
use http::{HeaderMap, Method, Uri};

use super::Params;
use super::credentials;
use crate::config::Dialect;
use crate::count::RequestKind;
use crate::state::{GrantId, Refusal, State};

/// The largest body that is read.
const BODY_LIMIT: usize = 1024 * 1024;

pub(super) struct Arrival {
    pub(super) kind: RequestKind,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// The body's parameters, or why there are none. The query is never mixed in.
    pub(super) body: Result<Params, Refusal>,
}

impl Arrival {
    pub(super) async fn read(request: Request, dialect: Dialect) -> Self {
        let (parts, body) = request.into_parts();
        let kind = kind(&parts.method, parts.uri.path());
        let reads_body = kind.is_token()
            || matches!(
                kind,
                RequestKind::Consent
                    | RequestKind::Revoke
                    | RequestKind::AccountCreate
                    | RequestKind::AccountVerify
            );
        let body = match to_bytes(body, BODY_LIMIT).await {
            _ if !reads_body => Ok(Params::default()),
            Ok(bytes) => Params::from_body(&parts.headers, bytes, dialect).await,
            Err(_) => Err(Refusal::TooLarge),
        };
        Self {
            kind: refine(kind, body.as_ref().ok()),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        }
    }

    /// The grant whose code or token this request carries.
    pub(super) fn grant(&self, state: &State) -> Option<GrantId> {
        let grants = &state.grants;
        let parameter = |name| self.body.as_ref().ok().and_then(|body| body.get(name));
        match self.kind {
            RequestKind::TokenGenerate => grants.of_code(parameter("code")?),
            RequestKind::TokenRefresh => grants.of_refresh_token(parameter("refresh_token")?),
            RequestKind::Revoke => grants.of_token(parameter("token")?),
            kind if kind.is_api() => grants.of_access_token(credentials::bearer(&self.headers)?),
            _ => None,
        }
    }

    pub(super) fn query(&self) -> Params {
        Params::from_form(self.uri.query().unwrap_or_default().as_bytes())
    }
}

/// The routes. `TokenOther` stands for every token request until its body is known.
fn kind(method: &Method, path: &str) -> RequestKind {
    match (method, path) {
        (&Method::GET, "/oauth/authorize") => RequestKind::Authorize,
        (&Method::POST, "/oauth/authorize") => RequestKind::Consent,
        (&Method::POST, "/oauth/token") => RequestKind::TokenOther,
        (&Method::POST, "/oauth/revoke") => RequestKind::Revoke,
        (&Method::GET, "/v3/account") => RequestKind::Account,
        (&Method::POST, "/v3/account/create") => RequestKind::AccountCreate,
        (&Method::POST, "/v3/account/verify") => RequestKind::AccountVerify,
        (_, "/_sandbox/trap") => RequestKind::Trap,
        _ => RequestKind::Other,
    }
}

/// The grant type decides, not the `?refresh` that HelloSign's published contract puts in the URL.
fn refine(kind: RequestKind, body: Option<&Params>) -> RequestKind {
    match (kind, body.and_then(|body| body.get("grant_type"))) {
        (RequestKind::TokenOther, Some("authorization_code")) => RequestKind::TokenGenerate,
        (RequestKind::TokenOther, Some("refresh_token")) => RequestKind::TokenRefresh,
        _ => kind,
    }
}
