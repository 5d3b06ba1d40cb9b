//! What the program tells when it has started.

use countersign_sandbox::{Config, Sandbox};

use crate::args::{Args, AuthenticationArg, DialectArg};

/// The example of RFC 7636 appendix B, good enough to try PKCE by hand.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) fn text(sandbox: &Sandbox, args: &Args) -> String {
    let callback =
        args.redirect_uri.first().map_or("http://127.0.0.1:9999/callback", String::as_str);
    let mut authorization_url = format!(
        "{}?response_type=code&client_id={}&redirect_uri={}&state=xyz",
        sandbox.authorization_url(),
        encoded(&args.client_id),
        encoded(callback),
    );
    if args.dialect == DialectArg::Rfc6749 {
        authorization_url += &format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
    }
    let revocation =
        sandbox.revocation_url().map(|url| format!("revocation     {url}\n")).unwrap_or_default();
    format!(
        "Countersign sandbox listens on {origin}\n\
         \n\
         client id      {client_id}\n\
         authorization  {authorize}\n\
         token          {token}\n\
         refresh        {refresh}\n\
         {revocation}\
         API            {api}\n\
         controls       {origin}/_sandbox\n\
         \n\
         Try it: open this and approve; the address you are sent to carries the code.\n  \
         {authorization_url}\n\
         Then get a token, and use it:\n  \
         {curl}\n  \
         curl {api}/account -H 'Authorization: Bearer ACCESS_TOKEN'\n\
         \n\
         Ctrl-C stops it.\n",
        origin = sandbox.origin(),
        client_id = args.client_id,
        authorize = sandbox.authorization_url(),
        token = sandbox.token_url(),
        refresh = sandbox.refresh_url(),
        api = sandbox.api_url(),
        curl = curl(sandbox, args, callback),
    )
}

fn curl(sandbox: &Sandbox, args: &Args, callback: &str) -> String {
    let id = &args.client_id;
    // A secret of the user's own is not repeated on the terminal.
    let secret = if args.client_secret == Config::CLIENT_SECRET {
        Config::CLIENT_SECRET
    } else {
        "CLIENT_SECRET"
    };
    let in_body = args.dialect == DialectArg::Hellosign
        || args.client_authentication == AuthenticationArg::Body;
    let credentials = match (args.public, in_body) {
        (true, _) => format!("-d client_id='{id}'"),
        (false, true) => format!("-d client_id='{id}' -d client_secret='{secret}'"),
        (false, false) => format!("-u '{id}:{secret}'"),
    };
    let proof = match args.dialect {
        DialectArg::Hellosign => String::new(),
        DialectArg::Rfc6749 => {
            format!(" -d code_verifier={VERIFIER} --data-urlencode redirect_uri='{callback}'")
        }
    };
    format!(
        "curl {} {credentials}{proof} -d grant_type=authorization_code -d code=CODE",
        sandbox.token_url()
    )
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
