//! A provider in virtual time, for any number of grants: it rotates strictly, unless told
//! otherwise.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::{
    AccessToken, Body, Client, Clock, ExposeSecret, Limits, Provider, RefreshToken, Rotation,
    TokenSet, Transport, TransportError, http,
};
use countersign_testkit::{ManualClock, VirtualExecutor};
use countersign_tokens::Timer;

/// The provider, as the transport of its client. Clones share what it has seen.
#[derive(Debug, Clone)]
pub struct VirtualProvider {
    clock: ManualClock,
    lifetime: Duration,
    rotation: Rotation,
    /// How long an answer takes.
    latency: Option<(VirtualExecutor, Duration)>,
    seen: Arc<Mutex<Seen>>,
}

/// What a provider has seen.
#[derive(Debug)]
pub struct Seen {
    began: i64,
    /// How often each grant was refreshed.
    pub refreshed: Vec<u32>,
    /// The refreshes of each second since the beginning.
    pub seconds: Vec<u32>,
    /// Refresh tokens that were spent already: the grant lives on, to be told apart from others.
    pub double_spends: u32,
    /// From which second to which it is unavailable, and says so.
    pub unavailable: Option<(i64, i64)>,
    /// Until when each of these grants is asked to wait.
    pub limited: HashMap<usize, i64>,
    /// How many requests it works on.
    pub under_way: u32,
    /// The most requests that it worked on at once.
    pub most_under_way: u32,
    /// Whether it does nothing, and answers so that it might have.
    pub is_broken: bool,
    /// How often it was unavailable or broken, or asked a grant to wait.
    pub turned_away: u32,
}

impl Seen {
    /// The most refreshes in so many seconds on end, from this second on.
    #[must_use]
    pub fn fullest(&self, from: usize, window: usize) -> u32 {
        let seconds = self.seconds.get(from..).unwrap_or_default();
        seconds.windows(window).map(|window| window.iter().sum()).max().unwrap_or_default()
    }
}

impl VirtualProvider {
    /// A provider of so many grants, whose access tokens live for so long.
    #[must_use]
    pub fn new(clock: ManualClock, grants: usize, lifetime: Duration) -> Self {
        let seen = Seen {
            began: clock.now().unix_timestamp(),
            refreshed: vec![0; grants],
            seconds: Vec::new(),
            double_spends: 0,
            unavailable: None,
            limited: HashMap::new(),
            under_way: 0,
            most_under_way: 0,
            is_broken: false,
            turned_away: 0,
        };
        let (rotation, seen) = (Rotation::Strict, Arc::new(Mutex::new(seen)));
        Self { clock, lifetime, rotation, latency: None, seen }
    }

    /// The same, whose answers take so long.
    #[must_use]
    pub fn with_latency(self, executor: &VirtualExecutor, latency: Duration) -> Self {
        Self { latency: Some((executor.clone(), latency)), ..self }
    }

    /// The same, which rotates so. It knows no grace that ends.
    #[must_use]
    pub fn with_rotation(self, rotation: Rotation) -> Self {
        Self { rotation, ..self }
    }

    /// A client of it.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being built.
    pub fn client(&self) -> Result<Client, countersign::Error> {
        self.client_with(self.clock.clone())
    }

    /// A client of it, by this clock.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being built.
    pub fn client_with(&self, clock: impl Clock) -> Result<Client, countersign::Error> {
        let provider =
            Provider::rfc6749("https://id.example/authorize", "https://id.example/token")
                .with_rotation(self.rotation);
        let builder = Client::builder(provider, "client").secret("secret");
        builder.transport(self.clone()).clock(clock).build()
    }

    /// The first tokens of this grant. It refuses to refresh one that is not among its grants.
    ///
    /// # Errors
    ///
    /// None: tokens of digits and letters are tokens.
    pub fn tokens(&self, grant: usize) -> Result<TokenSet, countersign::Error> {
        let now = self.clock.now();
        let ends = (now + self.lifetime).unix_timestamp();
        let token = AccessToken::new(&format!("access-{grant}-{ends}"))?;
        Ok(TokenSet::new(token, now)
            .with_refresh_token(RefreshToken::new(&format!("refresh-{grant}-0"))?)
            .with_lifetime(self.lifetime))
    }

    /// What it has seen.
    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails for a token that has ended.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn serves(&self, token: &AccessToken) -> crate::TestResult {
        let ends: i64 = token.expose_secret().rsplit('-').next().ok_or("no token")?.parse()?;
        let left = ends - self.clock.now().unix_timestamp();
        if left > 0 { Ok(()) } else { Err(format!("it had ended {} s before", -left).into()) }
    }
}

/// The answer that asks for a wait of so many seconds.
fn asks_to_wait(status: http::StatusCode, seconds: i64) -> http::Response<Body> {
    let mut answer = http::Response::new(Body::empty());
    *answer.status_mut() = status;
    answer.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
    answer
}

#[async_trait]
impl Transport for VirtualProvider {
    async fn send(
        &self,
        request: http::Request<Body>,
        _: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        if let Some((executor, latency)) = &self.latency {
            {
                let mut seen = self.seen();
                seen.under_way += 1;
                seen.most_under_way = seen.most_under_way.max(seen.under_way);
            }
            executor.sleep(*latency).await;
            self.seen().under_way -= 1;
        }
        let now = self.clock.now().unix_timestamp();
        let sent = String::from_utf8_lossy(request.body().as_bytes()).into_owned();
        let sent = sent.rsplit("refresh-").next().unwrap_or_default();
        let mut parts = sent.split(['-', '&']).map(|part| part.parse().unwrap_or(usize::MAX));
        let (grant, spent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());

        let mut seen = self.seen();
        if let Some((_, until)) = seen.unavailable.filter(|(from, to)| (*from..*to).contains(&now))
        {
            seen.turned_away += 1;
            return Ok(asks_to_wait(http::StatusCode::SERVICE_UNAVAILABLE, until - now));
        }
        if let Some(until) = seen.limited.get(&grant).copied().filter(|until| now < *until) {
            seen.turned_away += 1;
            return Ok(asks_to_wait(http::StatusCode::TOO_MANY_REQUESTS, until - now));
        }
        if seen.is_broken {
            seen.turned_away += 1;
            let mut answer = http::Response::new(Body::empty());
            *answer.status_mut() = http::StatusCode::BAD_GATEWAY;
            return Ok(answer);
        }
        let stays = self.rotation == Rotation::Never;
        let Some(times) = seen.refreshed.get_mut(grant) else {
            let body = br#"{"error":"invalid_grant"}"#.to_vec();
            let mut refused = http::Response::new(Body::from(body));
            *refused.status_mut() = http::StatusCode::BAD_REQUEST;
            return Ok(refused);
        };
        let is_double = *times as usize != spent && !stays;
        *times += 1;
        let next = if stays { 0 } else { *times };
        seen.double_spends += u32::from(is_double);
        let second = usize::try_from(now - seen.began).unwrap_or_default();
        if seen.seconds.len() <= second {
            seen.seconds.resize(second + 1, 0);
        }
        seen.seconds[second] += 1;
        drop(seen);
        let lifetime = self.lifetime.as_secs();
        let ends = now + i64::try_from(lifetime).unwrap_or_default();
        let body = format!(
            r#"{{"access_token":"access-{grant}-{ends}","refresh_token":"refresh-{grant}-{next}",
                "token_type":"Bearer","expires_in":{lifetime}}}"#
        );
        Ok(http::Response::new(Body::from(body.into_bytes())))
    }
}
