//! The rules that every transport has to keep, on no async runtime.

countersign_testkit::transport_conformance!(
    transport: countersign_isahc::IsahcTransport::new().expect("a transport"),
);
