//! The transport that the features choose: reqwest where both are on.

use std::error::Error;

#[cfg(all(feature = "isahc", not(feature = "reqwest")))]
pub(crate) fn transport() -> Result<countersign::IsahcTransport, Box<dyn Error>> {
    Ok(countersign::IsahcTransport::new()?)
}

#[cfg(feature = "reqwest")]
pub(crate) fn transport() -> Result<countersign::ReqwestTransport, Box<dyn Error>> {
    Ok(countersign::ReqwestTransport::new()?)
}

#[cfg(not(any(feature = "isahc", feature = "reqwest")))]
pub(crate) fn transport() -> Result<countersign_testkit::ScriptedTransport, Box<dyn Error>> {
    Err("the quickstart needs a transport: --features reqwest, or --features isahc".into())
}
