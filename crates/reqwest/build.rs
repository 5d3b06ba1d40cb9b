//! Names which TLS is the default, since each place that asks would else repeat the condition.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(rustls_by_default, native_tls_by_default)");
    println!("cargo::rerun-if-changed=build.rs");
    let on = |feature: &str| std::env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let has_cryptography = on("RUSTLS") || on("AWS_LC_RS");
    if has_cryptography || (on("_RUSTLS") && !on("NATIVE_TLS")) {
        println!("cargo::rustc-cfg=rustls_by_default");
    } else if on("NATIVE_TLS") {
        println!("cargo::rustc-cfg=native_tls_by_default");
    }
}
