//! The example bodies, as the document has them.

/// `OAuthTokenGenerateRequest`.
pub(super) const OAUTH_TOKEN_GENERATE_REQUEST: &str = r#"{
  "state": "900e06e2",
  "code": "1b0d28d90c86c141",
  "grant_type": "authorization_code",
  "client_id": "cc91c61d00f8bb2ece1428035716b",
  "client_secret": "1d14434088507ffa390e6f5528465"
}"#;

/// `OAuthTokenGenerateResponse`.
pub(super) const OAUTH_TOKEN_GENERATE_RESPONSE: &str = r#"{
  "access_token": "NWNiOTMxOGFkOGVjMDhhNTAxZN2NkNjgxMjMwOWJiYTEzZTBmZGUzMjMThhMzYyMzc=",
  "token_type": "Bearer",
  "refresh_token": "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3",
  "expires_in": 86400,
  "state": "900e06e2"
}"#;

/// `OAuthTokenRefreshRequest`.
pub(super) const OAUTH_TOKEN_REFRESH_REQUEST: &str = r#"{
  "grant_type": "refresh_token",
  "refresh_token": "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3"
}"#;

/// `OAuthTokenRefreshResponse`.
pub(super) const OAUTH_TOKEN_REFRESH_RESPONSE: &str = r#"{
  "access_token": "MDZhYzBlMGI1YzQ0ZjI1ZjYzYmUyNmMzZWQ5ZGNmOGYyNmQxMmMyMmQ2NmNiY2M3NW=",
  "expires_in": 86400,
  "refresh_token": "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3",
  "token_type": "Bearer"
}"#;

/// `AccountCreateRequest`.
pub(super) const ACCOUNT_CREATE_REQUEST: &str = r#"{
  "email_address": "newuser@dropboxsign.com"
}"#;

/// `AccountCreateRequestOAuth`.
pub(super) const ACCOUNT_CREATE_REQUEST_OAUTH: &str = r#"{
  "email_address": "newuser@dropboxsign.com",
  "client_id": "cc91c61d00f8bb2ece1428035716b",
  "client_secret": "1d14434088507ffa390e6f5528465"
}"#;

/// `AccountCreateResponse`.
pub(super) const ACCOUNT_CREATE_RESPONSE: &str = r#"{
  "account": {
    "account_id": "a2b31224f7e6fb5581d2f8cbd91cf65fa2f86aae",
    "email_address": "newuser@dropboxsign.com",
    "is_paid_hs": false,
    "is_paid_hf": false,
    "is_locked": false,
    "quotas": {
      "templates_left": 0,
      "api_signature_requests_left": 0,
      "documents_left": 3,
      "sms_signatures_left": 5
    },
    "callback_url": null,
    "role_code": null,
    "locale": "en-US"
  }
}"#;

/// `AccountCreateOAuthResponse`.
pub(super) const ACCOUNT_CREATE_OAUTH_RESPONSE: &str = r#"{
  "account": {
    "account_id": "b4680b45053c7601ca1eee3b126eca6b2b0a0219",
    "email_address": "jill@example.com",
    "callback_url": null,
    "role_code": null
  },
  "oauth_data": {
    "access_token": "NWNiOTMxOGFkOGVjMDhhNTAxZN2NkNjgxMjMwOWJiYTEzZTBmZGUzMjMThhMzYyMzc=",
    "token_type": "Bearer",
    "refresh_token": "hNTI2MTFmM2VmZDQxZTZjOWRmZmFjZmVmMGMyNGFjMzI2MGI5YzgzNmE3",
    "expires_in": 86400
  }
}"#;

/// `AccountGetResponse`.
pub(super) const ACCOUNT_GET_RESPONSE: &str = r#"{
  "account": {
    "account_id": "5008b25c7f67153e57d5a357b1687968068fb465",
    "email_address": "me@dropboxsign.com",
    "is_locked": false,
    "is_paid_hs": true,
    "is_paid_hf": false,
    "quotas": {
      "api_signature_requests_left": 1250,
      "documents_left": null,
      "templates_left": null,
      "sms_signatures_left": 1
    },
    "callback_url": null,
    "role_code": null,
    "locale": "en-US"
  }
}"#;

/// `AccountVerifyRequest`.
pub(super) const ACCOUNT_VERIFY_REQUEST: &str = r#"{
  "email_address": "some_user@dropboxsign.com"
}"#;

/// `AccountVerifyFoundResponse`.
pub(super) const ACCOUNT_VERIFY_FOUND_RESPONSE: &str = r#"{
  "account": {
    "email_address": "some_user@dropboxsign.com"
  }
}"#;

/// `AccountVerifyNotFoundResponse`.
pub(super) const ACCOUNT_VERIFY_NOT_FOUND_RESPONSE: &str = r#"{}"#;

/// `Error400Response` and its like, by status.
pub(super) const ERRORS: [(u16, &str); 9] = [
    (
        400,
        r#"{"error": {"error_msg": "This value should not be blank", "error_path": "cc_email_addresses[0]", "error_name": "bad_request"}}"#,
    ),
    (
        401,
        r#"{"error": {"error_msg": "Unauthorized user. No credentials supplied.", "error_name": "unauthorized"}}"#,
    ),
    (
        402,
        r#"{"error": {"error_msg": "You must upgrade to make additional requests.", "error_name": "payment_required"}}"#,
    ),
    (
        403,
        r#"{"error": {"error_msg": "A paid API plan is required to access this endpoint.", "error_name": "forbidden"}}"#,
    ),
    (404, r#"{"error": {"error_msg": "Not found.", "error_name": "not_found"}}"#),
    (
        409,
        r#"{"error": {"error_msg": "An identical request is already being processed.", "error_name": "conflict"}}"#,
    ),
    (
        410,
        r#"{"error": {"error_msg": "This resource has been deleted.", "error_name": "deleted"}}"#,
    ),
    (
        422,
        r#"{"error": {"error_msg": "This entity is unprocessable.", "error_name": "unprocessable_entity"}}"#,
    ),
    (429, r#"{"error": {"error_msg": "Too many requests.", "error_name": "exceeded_rate"}}"#),
];
