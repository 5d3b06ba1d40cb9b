//! Ten thousand grants through seven days of virtual time.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use countersign::{
    AccessToken, Body, Client, Clock, ExposeSecret, Limits, Provider, RefreshToken, Rotation,
    TokenSet, Transport, TransportError, http,
};
use countersign_testkit::{ManualClock, VirtualExecutor};
use countersign_tests::TestResult;
use countersign_tokens::{MemoryStore, Timer, TokenManager};

const GRANTS: usize = 10_000;
const DAYS: u64 = 7;
const LIFETIME: Duration = Duration::from_secs(3600);
const WINDOW: i64 = 60;

/// A provider that rotates strictly, and what it has seen.
#[derive(Debug, Clone)]
struct Server {
    clock: ManualClock,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug)]
struct Seen {
    began: i64,
    /// How often each grant was refreshed.
    refreshed: Vec<u32>,
    /// The refreshes within the window that ends now, after the first lifetime.
    window: VecDeque<i64>,
    fullest_window: usize,
    after_first_lifetime: usize,
    double_spends: u32,
}

impl Server {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Server {
    async fn send(
        &self,
        request: http::Request<Body>,
        _: Limits,
    ) -> Result<http::Response<Body>, TransportError> {
        let now = self.clock.now().unix_timestamp();
        let sent = String::from_utf8_lossy(request.body().as_bytes()).into_owned();
        let sent = sent.rsplit("refresh-").next().unwrap_or_default();
        let mut parts = sent.split(['-', '&']).map(|part| part.parse().unwrap_or(usize::MAX));
        let (grant, spent) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());

        let mut seen = self.seen();
        let Some(times) = seen.refreshed.get_mut(grant) else {
            seen.double_spends += 1;
            let mut refused = http::Response::new(Body::empty());
            *refused.status_mut() = http::StatusCode::BAD_REQUEST;
            return Ok(refused);
        };
        let is_double = *times as usize != spent;
        *times += 1;
        let next = *times;
        seen.double_spends += u32::from(is_double);
        if now >= seen.began + 3600 {
            seen.after_first_lifetime += 1;
            seen.window.push_back(now);
            while seen.window.front().is_some_and(|at| *at <= now - WINDOW) {
                seen.window.pop_front();
            }
            seen.fullest_window = seen.fullest_window.max(seen.window.len());
        }
        drop(seen);
        let ends = now + 3600;
        let body = format!(
            r#"{{"access_token":"access-{grant}-{ends}","refresh_token":"refresh-{grant}-{next}",
                "token_type":"Bearer","expires_in":3600}}"#
        );
        Ok(http::Response::new(Body::from(body.into_bytes())))
    }
}

/// When a token ends, by its text.
fn ends(token: &AccessToken) -> Option<i64> {
    token.expose_secret().rsplit('-').next()?.parse().ok()
}

#[test]
fn ten_thousand_grants_live_through_seven_days() -> TestResult {
    let executor = VirtualExecutor::default();
    let clock = executor.clock();
    let began = clock.now();
    let server = Server {
        clock: clock.clone(),
        seen: Arc::new(Mutex::new(Seen {
            began: began.unix_timestamp(),
            refreshed: vec![0; GRANTS],
            window: VecDeque::new(),
            fullest_window: 0,
            after_first_lifetime: 0,
            double_spends: 0,
        })),
    };
    let provider = Provider::rfc6749("https://id.example/authorize", "https://id.example/token")
        .with_rotation(Rotation::Strict);
    let client = Client::builder(provider, "client")
        .secret("secret")
        .transport(server.clone())
        .clock(clock.clone())
        .build()?;
    let tokens = TokenManager::builder(client, MemoryStore::with_clock(clock.clone()))
        .executor(executor.clone())
        .build()?;

    executor.block_on(async {
        let ends = (began + LIFETIME).unix_timestamp();
        let mut keys = Vec::new();
        for grant in 0..GRANTS {
            let key = tokens.key(&format!("user {grant}"))?;
            let token = AccessToken::new(&format!("access-{grant}-{ends}"))?;
            let of_grant = TokenSet::new(token, clock.now())
                .with_refresh_token(RefreshToken::new(&format!("refresh-{grant}-0"))?)
                .with_lifetime(LIFETIME);
            tokens.adopt(&key, of_grant).await?;
            keys.push(key);
        }
        let _guard = tokens.keep_fresh()?;
        // A hundred callers a minute, each grant in its turn; at the end everybody.
        for minute in 0..DAYS * 24 * 60 {
            executor.sleep(Duration::from_secs(60)).await;
            for key in keys.iter().cycle().skip(minute as usize * 100 % GRANTS).take(100) {
                served_alive(&tokens.token(key).await?, &clock)?;
            }
        }
        for key in &keys {
            served_alive(&tokens.token(key).await?, &clock)?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;

    let seen = server.seen();
    assert_eq!(seen.double_spends, 0);
    let minutes = DAYS * 24 * 60 - 60;
    let mean = seen.after_first_lifetime as f64 / minutes as f64;
    let (fullest, most) = (seen.fullest_window, seen.refreshed.iter().max().ok_or("none")?);
    let least = seen.refreshed.iter().min().ok_or("none")?;
    println!("{mean:.1} refreshes a minute, {fullest} in the fullest; {least} to {most} a grant");
    assert!((fullest as f64) < 2.0 * mean, "a peak: {fullest} in a minute, {mean:.1} in the mean");
    let needed = DAYS * 24;
    assert!(f64::from(*most) <= 1.1 * needed as f64, "{most} refreshes where {needed} will do");
    assert!(u64::from(*least) >= needed, "{least} refreshes where {needed} are needed");
    Ok(())
}

fn served_alive(token: &AccessToken, clock: &ManualClock) -> TestResult {
    let left = ends(token).ok_or("no token of this server")? - clock.now().unix_timestamp();
    if left > 0 { Ok(()) } else { Err(format!("it had ended {} s before", -left).into()) }
}
