//! Authorization requests that wait for the user's decision.

use std::collections::HashMap;
use std::time::Duration;

use crate::authorize::AuthorizationRequest;
use crate::clock::SinceEpoch;

/// How long a consent page can be answered.
const LIFETIME: Duration = Duration::from_secs(600);

/// Consent pages by their one-time request id.
#[derive(Default)]
pub(crate) struct Consents {
    waiting: HashMap<String, (SinceEpoch, AuthorizationRequest)>,
}

impl Consents {
    pub(crate) fn add(&mut self, id: String, request: AuthorizationRequest, now: SinceEpoch) {
        self.waiting.retain(|_, (expires_at, _)| now < *expires_at);
        self.waiting.insert(id, (now.saturating_add(LIFETIME), request));
    }

    /// The request of this id, once.
    pub(crate) fn take(&mut self, id: &str, now: SinceEpoch) -> Option<AuthorizationRequest> {
        let (expires_at, request) = self.waiting.remove(id)?;
        (now < expires_at).then_some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> AuthorizationRequest {
        AuthorizationRequest {
            client_id: "id".to_owned(),
            redirect_uri: "http://127.0.0.1/cb".to_owned(),
            redirect_uri_named: true,
            state: None,
            asked_scope: None,
            scope: None,
            code_challenge: None,
        }
    }

    #[test]
    fn a_page_is_answered_once_and_in_time() {
        let mut consents = Consents::default();
        consents.add("a".into(), request(), Duration::ZERO);
        consents.add("b".into(), request(), Duration::ZERO);
        assert!(consents.take("a", Duration::ZERO).is_some());
        assert!(consents.take("a", Duration::ZERO).is_none());
        assert!(consents.take("b", LIFETIME).is_none());
    }
}
