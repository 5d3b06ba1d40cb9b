//! The least that a program does with `countersign` and its reqwest.

use countersign::{Binding, Callback, Client, Provider, ReqwestTransport};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let provider =
        Provider::rfc6749("https://provider.example/authorize", "https://provider.example/token");
    let client = Client::builder(provider, "client id")
        .secret("secret")
        .redirect_uri("https://app.example/callback")
        .transport(ReqwestTransport::new()?)
        .build()?;
    let browser = Binding::this_process();
    let flow = client.authorize(&browser).begin()?;
    println!("{}", flow.authorization_url());

    // Never in practice, but the compiler cannot know.
    if let Some(url) = std::env::args().nth(1) {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let flow = flow.complete(&Callback::from_url(&url)?, &browser).await?;
            println!("{:?}", flow.expires_at());
            let flow = flow.expire().refresh().await?;
            println!("{:?}", flow.expires_at());
            Ok::<_, Box<dyn std::error::Error>>(())
        })?;
    }
    Ok(())
}
