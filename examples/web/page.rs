//! The pages, those for failures among them. All text is escaped.

use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use countersign::{Error, ErrorKind, Recovery};
use tower_sessions::session;

pub(crate) struct Page {
    status: StatusCode,
    html: String,
}

impl Page {
    pub(crate) fn new(status: StatusCode, title: &str) -> Self {
        let html = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">";
        Self { status, html: format!("{html}<title>{title}</title>\n<h1>{title}</h1>\n") }
    }

    pub(crate) fn text(mut self, text: &str) -> Self {
        self.html += &format!("<p>{}</p>\n", escaped(text));
        self
    }

    pub(crate) fn link(mut self, to: &'static str, text: &str) -> Self {
        self.html += &format!("<p><a href=\"{to}\">{}</a></p>\n", escaped(text));
        self
    }

    /// What is said when users cannot be told apart.
    pub(crate) fn nobody() -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "The API did not say whose account this is")
            .link("/", "Back")
    }

    /// For a callback in a browser that waits for none.
    pub(crate) fn nothing_began() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "This browser waits for no callback")
            .text(
                "The sign-in was finished already, or was begun in another browser, or at another \
                 address: to a browser, localhost and 127.0.0.1 are two sites.",
            )
            .link("/login", "Sign in")
    }
}

impl From<Error> for Page {
    fn from(error: Error) -> Self {
        use ErrorKind as Kind;
        let (status, title) = match error.kind() {
            Kind::AuthorizationRefused => (StatusCode::FORBIDDEN, "Nothing was granted"),
            Kind::StateMismatch | Kind::BindingMismatch => {
                (StatusCode::BAD_REQUEST, "This callback belongs to another sign-in")
            }
            Kind::IssuerMismatch => (StatusCode::BAD_REQUEST, "Another server wrote this callback"),
            Kind::CallbackMalformed => (StatusCode::BAD_REQUEST, "This is no callback"),
            Kind::PendingExpired => (StatusCode::BAD_REQUEST, "That took longer than ten minutes"),
            Kind::NoRefreshToken => (StatusCode::FORBIDDEN, "The authorization has ended"),
            Kind::Transport => (StatusCode::BAD_GATEWAY, "The provider gave no answer"),
            Kind::ServerRefused | Kind::UnexpectedStatus | Kind::ResponseMalformed => {
                (StatusCode::BAD_GATEWAY, "The provider gave another answer than was asked for")
            }
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "This program is not set up as it has to be"),
        };
        let page = Self::new(status, title).text(&format!("In detail: {error}."));
        match error.recovery() {
            Recovery::Retry { after: Some(wait) } => {
                page.text(&format!("Reload this page in {} s.", wait.as_secs()))
            }
            Recovery::Retry { .. } => page.text("Reload this page to try again."),
            Recovery::Fix => page.text("Whoever runs this program has to mend it."),
            // For `Refresh` too: a token that ended before its time is rare, and this always helps.
            _ => page.link("/login", "Sign in again"),
        }
    }
}

impl From<session::Error> for Page {
    fn from(error: session::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "There is no session").text(&error.to_string())
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        // The address of a callback holds a code: it is neither kept nor passed on to a link.
        let headers = [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        ];
        (self.status, headers, Html(self.html)).into_response()
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
