use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::error::WarningResponse;
use super::oauth::OAuthTokenResponse;
use super::read_json;
use crate::error::Error;
use crate::instant::Millis;
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<WarningResponse>,
}

/// An account that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AccountVerifyResponseAccount {
    /// Its address.
    pub email_address: Option<String>,
}

/// An account. Any member may be absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountResponse {
    /// Its id.
    pub account_id: Option<String>,
    /// Its address.
    pub email_address: Option<String>,
    /// Whether the user was locked out by a team's administrator.
    pub is_locked: Option<bool>,
    /// Whether it is a paid Dropbox Sign account.
    pub is_paid_hs: Option<bool>,
    /// Whether it is a paid HelloFax account.
    pub is_paid_hf: Option<bool>,
    /// What is left this month.
    pub quotas: Option<AccountResponseQuotas>,
    /// Where events of the account are posted to.
    pub callback_url: Option<String>,
    /// The role in the team.
    pub role_code: Option<String>,
    /// The team.
    pub team_id: Option<String>,
    /// The locale, such as `en-US`.
    pub locale: Option<String>,
    /// What was used this month.
    pub usage: Option<AccountResponseUsage>,
    /// Settings.
    pub settings: Option<AccountResponseSettings>,
    /// Members that have no name here.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is left of an account's month. Null is "unlimited or not told".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountResponseQuotas {
    /// Signature requests by API.
    pub api_signature_requests_left: Option<i64>,
    /// Signature requests.
    pub documents_left: Option<i64>,
    /// API templates allowed.
    pub templates_total: Option<i64>,
    /// API templates left.
    pub templates_left: Option<i64>,
    /// SMS verifications.
    pub sms_verifications_left: Option<i64>,
    /// Fax pages.
    pub num_fax_pages_left: Option<i64>,
    /// Members that have no name here, such as `sms_signatures_left`, which the examples have and
    /// the schema has not.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What was used of an account's month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountResponseUsage {
    /// Fax pages sent.
    pub fax_pages_sent: Option<i64>,
}

/// Some of an account's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AccountResponseSettings {
    /// Whether custom access codes are on.
    pub signer_access_codes: Option<bool>,
    /// Whether text messages are on.
    pub sms_delivery: Option<bool>,
    /// Whether signer authentication is on.
    pub sms_authentication: Option<bool>,
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
            account: AccountResponse,
            #[serde(borrow)]
            oauth_data: Option<Members<'a>>,
            #[serde(default)]
            warnings: Vec<WarningResponse>,
        }
        let read: Read<'_> = read_json(body)?;
        let oauth_data = read
            .oauth_data
            .map(|members| OAuthTokenResponse::read(TokenAnswer::new(members, ' '), requested_at));
        Ok(Self {
            account: read.account,
            oauth_data: oauth_data.transpose()?,
            warnings: read.warnings,
        })
    }
}
