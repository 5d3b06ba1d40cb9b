use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::DOCUMENTED;
use super::account_response::AccountResponse;
use super::error::{WarningResponse, readable};
use super::oauth::OAuthTokenResponse;
use crate::error::{Error, ErrorKind};
use crate::instant::Millis;
use crate::json;
use crate::provider::Leniency;
use crate::response::{Members, TokenAnswer};

/// The body of `POST /account/create`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountCreateRequest {
    /// The address of the new account.
    pub email_address: String,
    /// The app's client id, to be given tokens for the account.
    pub client_id: Option<String>,
    /// The app's secret.
    pub client_secret: Option<SecretString>,
    /// The account's locale, such as `en-US`.
    pub locale: Option<String>,
}

/// The body of `POST /account/verify`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountVerifyRequest {
    /// The address to look for.
    pub email_address: String,
}

/// The answer to `POST /account/create`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AccountCreateResponse {
    /// The new account.
    pub account: AccountResponse,
    /// Tokens for it, when the request had the app's credentials. They work once the user has
    /// confirmed the account (event `account_confirmed`).
    pub oauth_data: Option<OAuthTokenResponse>,
    /// Warnings.
    pub warnings: Vec<WarningResponse>,
}

/// The answer to `GET /account`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountGetResponse {
    /// The account.
    pub account: AccountResponse,
    /// Warnings.
    #[serde(default, deserialize_with = "readable", skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningResponse>,
}

/// The answer to `POST /account/verify`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountVerifyResponse {
    /// The account; nothing when there is none of this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountVerifyResponseAccount>,
    /// Warnings.
    #[serde(default, deserialize_with = "readable", skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningResponse>,
}

/// An account that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountVerifyResponseAccount {
    /// Its address.
    pub email_address: Option<String>,
}

impl AccountCreateRequest {
    /// An account for this address.
    pub fn new(email_address: impl Into<String>) -> Self {
        Self {
            email_address: email_address.into(),
            client_id: None,
            client_secret: None,
            locale: None,
        }
    }

    /// The same with the app's credentials, to be given tokens for the account.
    #[must_use]
    pub fn with_client(
        mut self,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Self {
        self.client_id = Some(client_id.into());
        self.client_secret = Some(client_secret.into());
        self
    }

    /// The same with this locale.
    #[must_use]
    pub fn with_locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    pub(in crate::hellosign) fn fields(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let client_secret = self.client_secret.as_ref().map(ExposeSecret::expose_secret);
        [
            Some(("email_address", self.email_address.as_str())),
            self.client_id.as_deref().map(|id| ("client_id", id)),
            client_secret.map(|secret| ("client_secret", secret)),
            self.locale.as_deref().map(|locale| ("locale", locale)),
        ]
        .into_iter()
        .flatten()
    }
}

impl AccountVerifyRequest {
    /// Looks for this address.
    pub fn new(email_address: impl Into<String>) -> Self {
        Self { email_address: email_address.into() }
    }

    pub(in crate::hellosign) fn fields(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        [("email_address", self.email_address.as_str())].into_iter()
    }
}

impl AccountCreateResponse {
    pub(in crate::hellosign) fn read(body: &[u8], requested_at: Millis) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Read<'a> {
            account: Option<AccountResponse>,
            #[serde(borrow)]
            oauth_data: Option<Members<'a>>,
            #[serde(default, deserialize_with = "readable")]
            warnings: Vec<WarningResponse>,
        }
        let read: Read<'_> = json::read(body, DOCUMENTED)?;
        let oauth_data = read.oauth_data.map(|members| {
            let answer = TokenAnswer::new(members, ' ');
            // As leniently as the token endpoint's: the schema requires no member.
            answer.check_type(Leniency::default().with_missing_token_type(true))?;
            OAuthTokenResponse::read(answer, requested_at)
        });
        if read.account.is_none() && oauth_data.is_none() {
            return Err(Error::new(
                ErrorKind::ResponseMalformed,
                "the answer has neither an account nor tokens",
            ));
        }
        Ok(Self {
            // The tokens are not to be lost for an account that cannot be read.
            account: read.account.unwrap_or_default(),
            oauth_data: oauth_data.transpose()?,
            warnings: read.warnings,
        })
    }
}
