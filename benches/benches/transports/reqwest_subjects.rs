//! Over reqwest.

use std::rc::Rc;

use countersign_benches::registration::{CLIENT_ID, CLIENT_SECRET};
use countersign_core::{Client, Provider, RefreshToken};
use countersign_reqwest::{ReqwestTransport, reqwest};
use oauth2::basic::BasicClient;
use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, TokenUrl};
use tokio::runtime::{Builder, Runtime};

use crate::Subject;
use crate::isahc_subjects::{CONNECT_LIMIT, LIMIT, REFRESH_TOKEN, Tokens, body};

pub(crate) fn all(origin: &str) -> Vec<Subject> {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let runtime = Rc::new(runtime);
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_LIMIT)
        .timeout(LIMIT)
        .tls_backend_preconfigured(tls())
        .build()
        .expect("a client");
    vec![
        bare(&runtime, client.clone(), format!("{origin}/oauth/token?refresh")),
        countersign(&runtime, origin),
        oauth2(&runtime, client, origin),
    ]
}

/// The same as the transport's, though nothing here is encrypted.
fn tls() -> countersign_reqwest::rustls::ClientConfig {
    let provider = countersign_reqwest::rustls::crypto::ring::default_provider();
    countersign_reqwest::rustls_config(&provider.into(), countersign_reqwest::Roots::Platform)
        .expect("TLS")
}

fn bare(runtime: &Rc<Runtime>, client: reqwest::Client, url: String) -> Subject {
    let runtime = Rc::clone(runtime);
    Subject::new("reqwest, POST and parse", true, move |exchanges| {
        for _ in 0..exchanges {
            let tokens: Tokens = runtime.block_on(async {
                let request = client.post(&url).header("content-type", "application/json");
                let request = request.header("accept", "application/json").body(body());
                let answer = request.send().await.expect("an answer");
                let bytes = answer.bytes().await.expect("a body");
                serde_json::from_slice(&bytes).expect("tokens")
            });
            drop(tokens);
        }
    })
}

fn countersign(runtime: &Rc<Runtime>, origin: &str) -> Subject {
    let runtime = Rc::clone(runtime);
    let client = Client::builder(Provider::hellosign().with_origin(origin), CLIENT_ID)
        .secret(CLIENT_SECRET)
        .transport(ReqwestTransport::new().expect("a transport"))
        .build()
        .expect("a client");
    let token = RefreshToken::new(REFRESH_TOKEN).expect("a token");
    Subject::new("Countersign over reqwest", false, move |exchanges| {
        for _ in 0..exchanges {
            drop(runtime.block_on(client.refresh(&token)).expect("tokens"));
        }
    })
}

fn oauth2(runtime: &Rc<Runtime>, http: reqwest::Client, origin: &str) -> Subject {
    let runtime = Rc::clone(runtime);
    let url = TokenUrl::new(format!("{origin}/oauth/token?refresh")).expect("a URL");
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_client_secret(ClientSecret::new(CLIENT_SECRET.to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(url);
    let token = oauth2::RefreshToken::new(REFRESH_TOKEN.to_owned());
    let send = move |request: HttpRequest| {
        let http = http.clone();
        async move {
            let mut response = http.execute(request.try_into()?).await?;
            let (status, headers) = (response.status(), std::mem::take(response.headers_mut()));
            let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok::<_, reqwest::Error>(answer)
        }
    };
    Subject::new("oauth2 5.0 over reqwest", false, move |exchanges| {
        for _ in 0..exchanges {
            let call = client.exchange_refresh_token(&token).request_async(&send);
            drop(runtime.block_on(call).expect("tokens"));
        }
    })
}
