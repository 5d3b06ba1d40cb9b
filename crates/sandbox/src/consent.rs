//! The pages that a user sees. Plain HTML: no script, nothing loaded.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::authorize::AuthorizationRequest;
use crate::config::{Config, Dialect};

const STYLE: &str = include_str!("consent/style.css");

/// The content security policy of these pages: nothing but their own style sheet, by its hash.
///
/// There is no `form-action`: browsers apply it to the redirect that follows the form, too, and to
/// every redirect of the application after it.
pub(crate) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'"
    )
});

/// Asks the user. The form carries the one-time `request_id`.
pub(crate) fn page(request: &AuthorizationRequest, request_id: &str, dialect: Dialect) -> String {
    let server = match dialect {
        Dialect::HelloSign => "HelloSign dialect",
        Dialect::Rfc6749 => "RFC 6749 dialect",
    };
    let body = format!(
        r#"<p class="server">Countersign sandbox · {server}</p>
<h1><strong>{client}</strong> asks for access to your account</h1>
{scope}
<form method="post" action="/oauth/authorize">
<input type="hidden" name="request_id" value="{request_id}">
<label for="account">Sign in as</label>
<input id="account" name="account" type="email" value="{account}" autocomplete="off" required>
<div class="decision">
<button name="decision" value="approve" class="approve">Approve</button>
<button name="decision" value="deny" formnovalidate>Deny</button>
</div>
</form>
<p class="note">Either way you go back to <code>{redirect_uri}</code></p>"#,
        client = Escaped(&request.client_id),
        scope = scopes(request.scope.as_deref()),
        request_id = Escaped(request_id),
        account = Config::ACCOUNT,
        redirect_uri = Escaped(&request.redirect_uri),
    );
    document("Approve access", &body)
}

/// Tells the user what is wrong, where no redirect could be trusted to.
pub(crate) fn error_page(message: &str) -> String {
    let body = format!(
        "<p class=\"server\">Countersign sandbox</p>\n<h1>This request cannot be answered</h1>\n<p>{}</p>",
        Escaped(message)
    );
    document("Cannot authorize", &body)
}

fn scopes(scope: Option<&str>) -> String {
    let items: String = scope
        .unwrap_or_default()
        .split_whitespace()
        .map(|name| format!("<li><code>{}</code></li>", Escaped(name)))
        .collect();
    if items.is_empty() {
        "<p>It asks for no particular scope.</p>".to_owned()
    } else {
        format!("<p>It will get these scopes:</p>\n<ul>{items}</ul>")
    }
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
}

/// Text that is safe between tags and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c => write!(f, "{c}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_client_sends_is_text() {
        let evil = "<script>'\"&";
        let request = AuthorizationRequest {
            client_id: evil.to_owned(),
            redirect_uri: evil.to_owned(),
            redirect_uri_named: true,
            state: Some(evil.to_owned()),
            asked_scope: None,
            scope: Some(evil.to_owned()),
            code_challenge: None,
        };
        for html in [page(&request, evil, Dialect::HelloSign), error_page(evil)] {
            assert!(!html.contains("<script"), "{html}");
            assert!(html.contains("&lt;script&gt;&#39;&quot;&amp;"), "{html}");
        }
    }

    #[test]
    fn the_policy_allows_this_style_sheet_only() {
        assert!(POLICY.contains("default-src 'none'; style-src 'sha256-"));
        assert!(error_page("x").contains(&format!("<style>{STYLE}</style>")));
    }
}
