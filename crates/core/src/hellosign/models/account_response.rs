use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An account. Any member may be absent; one of an unexpected type stays in
/// [`extra`](Self::extra), since an account that can be read in part is worth more than none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
#[non_exhaustive]
pub struct AccountResponse {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_address: Option<String>,
    /// Whether the user was locked out by a team's administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_locked: Option<bool>,
    /// Whether it is a paid Dropbox Sign account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_paid_hs: Option<bool>,
    /// Whether it is a paid HelloFax account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_paid_hf: Option<bool>,
    /// What is left this month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotas: Option<AccountResponseQuotas>,
    /// Where events of the account are posted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The role in the team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_code: Option<String>,
    /// The team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team_id: Option<String>,
    /// The locale, such as `en-US`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What was used this month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<AccountResponseUsage>,
    /// Settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<AccountResponseSettings>,
    /// Members that have no name here.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What is left of an account's month. Null is "unlimited or not told".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
#[non_exhaustive]
pub struct AccountResponseQuotas {
    /// Signature requests by API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_signature_requests_left: Option<i64>,
    /// Signature requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents_left: Option<i64>,
    /// API templates allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates_total: Option<i64>,
    /// API templates left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub templates_left: Option<i64>,
    /// SMS verifications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_verifications_left: Option<i64>,
    /// Fax pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_fax_pages_left: Option<i64>,
    /// Members that have no name here, such as `sms_signatures_left`, which the examples have and
    /// the schema has not.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What was used of an account's month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
#[non_exhaustive]
pub struct AccountResponseUsage {
    /// Fax pages sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fax_pages_sent: Option<i64>,
}

/// Some of an account's settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>")]
#[non_exhaustive]
pub struct AccountResponseSettings {
    /// Whether custom access codes are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer_access_codes: Option<bool>,
    /// Whether text messages are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_delivery: Option<bool>,
    /// Whether signer authentication is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms_authentication: Option<bool>,
}

impl From<Map<String, Value>> for AccountResponse {
    fn from(mut members: Map<String, Value>) -> Self {
        Self {
            account_id: take(&mut members, "account_id"),
            email_address: take(&mut members, "email_address"),
            is_locked: take(&mut members, "is_locked"),
            is_paid_hs: take(&mut members, "is_paid_hs"),
            is_paid_hf: take(&mut members, "is_paid_hf"),
            quotas: take(&mut members, "quotas"),
            callback_url: take(&mut members, "callback_url"),
            role_code: take(&mut members, "role_code"),
            team_id: take(&mut members, "team_id"),
            locale: take(&mut members, "locale"),
            usage: take(&mut members, "usage"),
            settings: take(&mut members, "settings"),
            extra: members,
        }
    }
}

impl From<Map<String, Value>> for AccountResponseQuotas {
    fn from(mut members: Map<String, Value>) -> Self {
        Self {
            api_signature_requests_left: take(&mut members, "api_signature_requests_left"),
            documents_left: take(&mut members, "documents_left"),
            templates_total: take(&mut members, "templates_total"),
            templates_left: take(&mut members, "templates_left"),
            sms_verifications_left: take(&mut members, "sms_verifications_left"),
            num_fax_pages_left: take(&mut members, "num_fax_pages_left"),
            extra: members,
        }
    }
}

impl From<Map<String, Value>> for AccountResponseUsage {
    fn from(mut members: Map<String, Value>) -> Self {
        Self { fax_pages_sent: take(&mut members, "fax_pages_sent") }
    }
}

impl From<Map<String, Value>> for AccountResponseSettings {
    fn from(mut members: Map<String, Value>) -> Self {
        Self {
            signer_access_codes: take(&mut members, "signer_access_codes"),
            sms_delivery: take(&mut members, "sms_delivery"),
            sms_authentication: take(&mut members, "sms_authentication"),
        }
    }
}

/// Takes a member out that is of the expected type, or null; leaves it where it is not.
fn take<T: DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Option<T> {
    let value = Option::deserialize(members.get(name)?).ok()?;
    members.remove(name);
    value
}
