//! Secrets that are easy to find again, and the search for them.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::{Debug, Display};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use countersign_core::{AuthorizationFlow, Error, Pending, Provider};
use serde_json::Value;

use crate::support::{World, stored_and_read};

/// Each has every character that some encoding changes, around a core that few of them do.
pub(crate) const CLIENT_SECRET: &str = r#"c/+ "Qz7CLIENTxK4m"\é&%=~!'<"#;
pub(crate) const CODE: &str = r#"c/+ "Vt9CODEcanaryB2"\&%=~!'<"#;
pub(crate) const ACCESS: &str = r#"a/+"Hy3ACCESScanaryW8"\&%=~!'<"#;
pub(crate) const REFRESH: &str = r#"r/+"Jp5REFRESHcanaryD1"\&%=~!'<"#;
pub(crate) const ID_TOKEN: &str = "Ug6IDTOKENcanaryF0";
pub(crate) const SESSION: &str = "Mr2SESSIONcanaryN5";
pub(crate) const API_KEY: &str = "Lb8APIKEYcanaryS3";

const CORES: [&str; 7] = [
    "Qz7CLIENTxK4m",
    "Vt9CODEcanaryB2",
    "Hy3ACCESScanaryW8",
    "Jp5REFRESHcanaryD1",
    ID_TOKEN,
    SESSION,
    API_KEY,
];

/// Looks at everything that is shown to it, and fails when there is a secret in it.
pub(crate) struct Search {
    needles: Vec<String>,
    seen: BTreeSet<String>,
}

impl Search {
    pub(crate) fn new() -> Self {
        let mut search = Self { needles: Vec::new(), seen: BTreeSet::new() };
        CORES.iter().for_each(|core| search.add(core));
        search
    }

    /// A search for the flow's `state` and verifier too.
    pub(crate) fn of(flow: &AuthorizationFlow<Pending>) -> Self {
        let mut search = Self::new();
        for secret in drawn(flow) {
            search.add(&secret[..20]);
        }
        search
    }

    fn add(&mut self, core: &str) {
        self.needles.push(core.to_owned());
        // As the numbers of its bytes, which is how a `Vec` of them is shown.
        let bytes = format!("{:?}", core.as_bytes());
        self.needles.push(bytes.trim_matches(['[', ']']).to_owned());
        // What every base64 of a text around the core has in common, at each of three offsets.
        for offset in 0..3 {
            let padded = format!("{}{core}", "\0".repeat(offset));
            let encoded = STANDARD_NO_PAD.encode(padded);
            self.needles.push(encoded[4..encoded.len() - 2].to_owned());
        }
    }

    pub(crate) fn text(&self, place: &str, text: &str) {
        for needle in &self.needles {
            assert!(!text.contains(needle.as_str()), "{place} shows {needle}: {text}");
        }
    }

    pub(crate) fn debug<T: Debug>(&mut self, value: &T) {
        let full = std::any::type_name::<T>();
        let name = full.split('<').next().unwrap_or(full);
        self.seen.insert(name.rsplit("::").next().unwrap_or(name).to_owned());
        self.text(full, &format!("{value:?}"));
        self.text(full, &format!("{value:#?}"));
    }

    /// An error with its whole chain, and all that can be asked of it.
    pub(crate) fn error<E: StdError + 'static>(&mut self, error: &E) {
        self.debug(error);
        let mut layer: Option<&dyn StdError> = Some(error);
        while let Some(error) = layer {
            self.display(&error);
            self.text("a source", &format!("{error:?} {error:#?}"));
            layer = error.source();
        }
    }

    pub(crate) fn own_error(&mut self, error: &Error) {
        self.error(error);
        if let Some(server) = error.server() {
            self.debug(server);
            self.display(server);
            self.text("code", server.code());
            for text in [server.description(), server.uri(), server.path()] {
                self.text("the server's words", text.unwrap_or_default());
            }
            self.debug(&countersign_core::hellosign::ErrorResponse::from(server));
        }
        if let Some(http) = error.http() {
            self.debug(http);
            self.debug(http.headers());
            self.text("excerpt", http.excerpt().unwrap_or_default());
        }
    }

    pub(crate) fn display<T: Display + ?Sized>(&self, value: &T) {
        self.text("Display", &format!("{value}"));
        self.text("alternate Display", &format!("{value:#}"));
    }

    pub(crate) fn has_seen(&self, name: &str) -> bool {
        self.seen.contains(name)
    }
}

/// A client with the canary for its secret.
pub(crate) fn world(provider: Provider) -> World {
    World::built(provider, |builder| builder.secret(CLIENT_SECRET))
}

/// The secrets that a flow drew.
pub(crate) fn drawn(flow: &AuthorizationFlow<Pending>) -> Vec<String> {
    let written: Value = serde_json::to_value(stored_and_read(flow.state())).expect("JSON");
    let data = &written["state"]["pending"];
    let secret = |name: &str| data[name].as_str().map(ToOwned::to_owned);
    ["state", "verifier"].into_iter().filter_map(secret).collect()
}

/// A token answer that is all canaries.
pub(crate) fn tokens() -> String {
    serde_json::json!({
        "access_token": ACCESS,
        "token_type": "Bearer",
        "refresh_token": REFRESH,
        "expires_in": 3600,
        "id_token": ID_TOKEN,
        "nested": [{ "id_token": ID_TOKEN }],
    })
    .to_string()
}
