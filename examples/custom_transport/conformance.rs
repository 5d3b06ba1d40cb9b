//! The example's transport keeps the rules that every transport has to keep.

#[path = "../../crates/countersign/guide/custom_transport.rs"]
mod transport;

countersign_testkit::transport_conformance!(transport: transport::UreqTransport::default());
