//! The least that a program does with `oauth2` and an HTTP client of its own.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest, HttpResponse,
    PkceCodeChallenge, RedirectUrl, TokenResponse, TokenUrl, basic::BasicClient, http,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = BasicClient::new(ClientId::new("client id".into()))
        .set_client_secret(ClientSecret::new("secret".into()))
        .set_auth_uri(AuthUrl::new("https://provider.example/authorize".into())?)
        .set_token_uri(TokenUrl::new("https://provider.example/token".into())?)
        .set_redirect_uri(RedirectUrl::new("https://app.example/callback".into())?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state) =
        client.authorize_url(CsrfToken::new_random).set_pkce_challenge(challenge).url();
    println!("{url}");

    // Never in practice, but the compiler cannot know.
    let mut args = std::env::args().skip(1);
    if let (Some(code), Some(echoed)) = (args.next(), args.next()) {
        if &echoed != state.secret() {
            return Err("the state differs".into());
        }
        let token = wait(
            client
                .exchange_code(AuthorizationCode::new(code))
                .set_pkce_verifier(verifier)
                .request_async(&|request| async { answer(request) }),
        )?;
        println!("{:?}", token.expires_in());
        if let Some(refresh) = token.refresh_token() {
            let token = wait(
                client
                    .exchange_refresh_token(refresh)
                    .request_async(&|request| async { answer(request) }),
            )?;
            println!("{:?}", token.expires_in());
        }
    }
    Ok(())
}

fn answer(request: HttpRequest) -> Result<HttpResponse, http::Error> {
    let body = format!(
        r#"{{"access_token":"{}","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}}"#,
        request.body().len()
    );
    http::Response::builder()
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(body.into_bytes())
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}
