//! Traces, where an endpoint for them is set.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};
use techcommerce_config::{Secret, Traces, pairs};
use techcommerce_kernel::{Env, Error};
use techcommerce_otlp::{Export, Exporter, Headers};
use techcommerce_telemetry::{
    Telemetry,
    trace::{TraceOptions, describe},
};

use crate::following::source;

/// How long the last spans may take at the end of the process.
pub const LAST: Duration = Duration::from_secs(3);

/// Begins to trace and to export, if there is anywhere to.
pub fn start(
    settings: &Traces,
    env: &Env,
    telemetry: Telemetry,
) -> Result<(Telemetry, Option<Exporter>), Error> {
    let telemetry = telemetry.continuing_outside(settings.continue_outside);
    describe(&telemetry);
    let Some(export) = export(settings, env)? else {
        return Ok((telemetry, None));
    };
    let (telemetry, outbox) = telemetry.traced(TraceOptions {
        sample: settings.sample.as_f64(),
        slow: Duration::from_millis(settings.slow_ms.into()),
    });
    let exporter = match &settings.headers {
        None => Exporter::start(export, outbox, env.clone())?,
        Some(secret) => {
            let secret = source("traces.headers", secret).map(headers)?;
            Exporter::following(export, secret, outbox, env.clone())?
        }
    };
    Ok((telemetry, Some(exporter)))
}

/// Where spans go, if they go anywhere.
pub fn export(settings: &Traces, env: &Env) -> Result<Option<Export>, Error> {
    if settings.endpoint.is_empty() {
        return Ok(None);
    }
    Ok(Some(Export {
        endpoint: endpoint(&settings.endpoint)?,
        headers: headers(settings.headers.as_ref().map_or("", Secret::expose))?,
        version: env!("CARGO_PKG_VERSION"),
        instance: env.new_id().to_string(),
        attributes: pairs(&settings.attributes).map_err(|error| wrong("attributes", error))?,
    }))
}

fn endpoint(text: &str) -> Result<Uri, Error> {
    text.parse().map_err(|_| {
        wrong(
            "endpoint",
            "must be an address, as http://otel-collector:4318",
        )
    })
}

/// What is wrong is told without the value: it is a key.
fn headers(text: impl AsRef<str>) -> Result<Headers, Error> {
    let pairs = pairs(text.as_ref()).map_err(|error| wrong("headers", error))?;
    let headers = pairs.into_iter().map(|(name, value)| {
        let name = HeaderName::try_from(name).ok();
        let mut value = HeaderValue::try_from(value).ok();
        if let Some(value) = &mut value {
            value.set_sensitive(true);
        }
        name.zip(value)
            .ok_or_else(|| wrong("headers", "holds what no header may hold"))
    });
    headers.collect()
}

fn wrong(key: &str, why: impl Into<String>) -> Error {
    Error::invalid("configuration", format!("traces.{key}: {}", why.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_and_never_repeated() {
        let read = headers("x-key=a%2Cb,authorization=Bearer%20c").unwrap();
        assert_eq!(read[0].0, "x-key");
        assert_eq!(read[0].1, "a,b");
        assert!(read.iter().all(|(_, value)| value.is_sensitive()));
        for bad in ["hidden key=1", "x=hidden%0Akey", "hidden"] {
            let error = headers(bad).unwrap_err();
            assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
        }
        assert!(headers("").unwrap().is_empty());
    }
}
