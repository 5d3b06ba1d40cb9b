use super::scopes::{AppOwnerScope, UserScope};
use crate::provider::{BodyFormat, ClientAuthentication, Leniency, Pkce, Provider, Rotation};

impl Provider {
    /// HelloSign (Dropbox Sign), as the live service works (2026).
    ///
    /// The host is `app.hellosign.com`, although the documentation's base is another; bodies are
    /// JSON; `state` is repeated in the token request; refreshing is `POST /oauth/token?refresh`
    /// with the client's credentials in the body; refresh tokens do not rotate. For an app that is
    /// old enough to refresh without credentials set
    /// [`credentials_on_refresh`](Self::credentials_on_refresh) to `false`.
    #[must_use]
    pub fn hellosign() -> Self {
        let mut provider = Self::rfc6749(
            "https://app.hellosign.com/oauth/authorize",
            "https://app.hellosign.com/oauth/token",
        )
        .with_name("hellosign")
        .with_refresh_url("https://app.hellosign.com/oauth/token?refresh")
        .with_body_format(BodyFormat::Json)
        .with_client_authentication(ClientAuthentication::RequestBody)
        .with_pkce(Pkce::Unsupported)
        .with_rotation(Rotation::Never)
        // No member of the answer is marked required in the vendor's document.
        .with_leniency(Leniency::default().with_missing_token_type(true));
        provider.redirect_uri_in_token_request = false;
        provider.state_in_token_request = true;
        provider.exclusive_scopes = vec![
            AppOwnerScope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(),
            UserScope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(),
        ];
        provider
    }
}
