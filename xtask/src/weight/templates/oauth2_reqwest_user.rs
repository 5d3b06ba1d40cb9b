//! The least that a program does with `oauth2` and its reqwest.

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl,
    TokenResponse, TokenUrl, basic::BasicClient, reqwest,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
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
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let token = client
                .exchange_code(AuthorizationCode::new(code))
                .set_pkce_verifier(verifier)
                .request_async(&http)
                .await?;
            println!("{:?}", token.expires_in());
            if let Some(refresh) = token.refresh_token() {
                let token = client.exchange_refresh_token(refresh).request_async(&http).await?;
                println!("{:?}", token.expires_in());
            }
            Ok::<_, Box<dyn std::error::Error>>(())
        })?;
    }
    Ok(())
}
