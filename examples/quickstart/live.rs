//! The same with HelloSign itself, and you as the user.

use std::env;
use std::error::Error;
use std::io::{self, Write};

use countersign::hellosign::{AccountApi, ApiCredentials};
use countersign::{Binding, Callback, Client, Provider, SecretString, Transport};

use crate::tell;

/// Your API app at HelloSign.
pub(crate) struct App {
    client_id: String,
    client_secret: SecretString,
    redirect_uri: Option<String>,
}

impl App {
    /// The app that the environment names; none when it names none.
    pub(crate) fn from_environment() -> Result<Option<Self>, Box<dyn Error>> {
        let read = |name| env::var(name).ok().filter(|value| !value.is_empty());
        match (read("HELLOSIGN_CLIENT_ID"), read("HELLOSIGN_CLIENT_SECRET")) {
            (None, None) => Ok(None),
            (Some(client_id), Some(client_secret)) => Ok(Some(Self {
                client_id,
                client_secret: client_secret.into(),
                redirect_uri: read("HELLOSIGN_REDIRECT_URI"),
            })),
            (Some(_), None) => {
                Err("HELLOSIGN_CLIENT_ID is set, HELLOSIGN_CLIENT_SECRET is not".into())
            }
            (None, Some(_)) => {
                Err("HELLOSIGN_CLIENT_SECRET is set, HELLOSIGN_CLIENT_ID is not".into())
            }
        }
    }
}

pub(crate) async fn run(app: App, transport: impl Transport + Clone) -> Result<(), Box<dyn Error>> {
    tell::title("HelloSign's authorization, for real");
    let mut builder = Client::builder(Provider::hellosign(), app.client_id)
        .secret(app.client_secret)
        .transport(transport.clone());
    if let Some(uri) = app.redirect_uri {
        builder = builder.redirect_uri(uri);
    }
    let client = builder.build()?;
    let me = Binding::this_process();

    tell::step("Pending");
    let mut flow = client.authorize(&me).begin()?;
    println!("   open this in your browser:\n\n   {}\n", flow.authorization_url());
    let flow = loop {
        let callback =
            match Callback::from_url(ask("   then paste the URL that you were sent to: ")?) {
                Ok(callback) => callback,
                Err(error) => {
                    tell::line("not a callback", &error.to_string());
                    continue;
                }
            };
        match flow.complete(&callback, &me).await {
            Ok(flow) => break flow,
            Err(failed) if failed.flow.state().is_spent() => return Err(failed.error.into()),
            Err(failed) => {
                tell::line("refused", &failed.error.to_string());
                flow = failed.flow;
            }
        }
    };

    tell::step("Authorized");
    tell::line("access token", &tell::masked(flow.access_token()));
    tell::line("good until", &tell::instant(flow.expires_at()));
    let credentials = ApiCredentials::AccessToken(flow.access_token().clone());
    let api = AccountApi::new(transport.clone(), credentials)?;
    let answer = api.account_get_with_http_info(None, None).await;
    tell::line("GET /v3/account", &tell::account(answer));

    tell::step("Refreshed");
    let flow = flow.expire().refresh().await?;
    tell::line("access token", &tell::masked(flow.access_token()));
    tell::line("good until", &tell::instant(flow.expires_at()));
    tell::line("refresh token replaced", if flow.rotated() { "yes" } else { "no" });
    let credentials = ApiCredentials::AccessToken(flow.access_token().clone());
    let api = AccountApi::new(transport, credentials)?;
    let answer = api.account_get_with_http_info(None, None).await;
    tell::line("GET /v3/account", &tell::account(answer));
    Ok(())
}

fn ask(question: &str) -> Result<String, Box<dyn Error>> {
    print!("{question}");
    io::stdout().flush()?;
    let mut answer = String::new();
    if io::stdin().read_line(&mut answer)? == 0 {
        return Err("no callback URL was pasted".into());
    }
    Ok(answer.trim().to_owned())
}
