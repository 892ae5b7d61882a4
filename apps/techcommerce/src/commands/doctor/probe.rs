//! `techcommerce doctor dns | tcp | http` and `techcommerce health`: what one would ask with
//! `getent`, `nc` and `wget` where there is no shell. No configuration is read, so that a wrong one
//! is no hindrance.

use std::{net::IpAddr, process::ExitCode, time::Duration};

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::Full;
use techcommerce_config::Settings;
use techcommerce_kernel::Error;

use crate::{
    cli::{Health, Probe, Trial},
    reach::{self, Fault},
    say,
    web::{NoAnswer, Web},
};

/// The most characters of an answer that are shown.
const SHOWN: usize = 2_000;

/// Tries one thing; success if it can be reached.
pub async fn run(trial: Trial) -> Result<ExitCode, Error> {
    match trial {
        Trial::Dns(probe) => Ok(dns(&probe).await),
        Trial::Tcp(probe) => tcp(&probe).await,
        Trial::Http { probe, ca_file } => {
            let web = Web::new(ca_file.as_deref(), probe.patience())?;
            http(&probe.target, &web, probe.patience()).await
        }
    }
}

/// Asks this machine's own process whether it is ready.
pub async fn health(settings: &Settings, asked: &Health) -> Result<ExitCode, Error> {
    let at = settings.listen.management_address;
    let host = match at {
        IpAddr::V4(any) if any.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(any) if any.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V6(one) => format!("[{one}]"),
        IpAddr::V4(one) => one.to_string(),
    };
    let path = if asked.live { "live" } else { "readyz" };
    let target = format!("http://{host}:{}/{path}", settings.listen.management_port);
    let patience = Duration::from_secs(asked.timeout.into());
    http(&target, &Web::new(None, patience)?, patience).await
}

impl Probe {
    fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }
}

async fn dns(probe: &Probe) -> ExitCode {
    match reach::resolve(&probe.target, 0, probe.patience()).await {
        Ok((addresses, took)) => {
            for address in addresses {
                say(format_args!("ok     {} is {}", probe.target, address.ip()));
            }
            say(format_args!("       looked up in {}", milliseconds(took)));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            wrong(&probe.target, &fault);
            name_servers();
            ExitCode::FAILURE
        }
    }
}

async fn tcp(probe: &Probe) -> Result<ExitCode, Error> {
    let target = &probe.target;
    let parts = target.rsplit_once(':');
    let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let Some((host, port)) = parts else {
        return Err(Error::invalid(
            "configuration",
            format!("{target}: write it as HOST:PORT, as postgres:5432."),
        ));
    };
    Ok(match reach::connect(host, port, probe.patience()).await {
        Ok((address, took)) => {
            let took = milliseconds(took);
            say(format_args!(
                "ok     {target} takes connections ({address}, {took})"
            ));
            ExitCode::SUCCESS
        }
        Err(fault) => {
            wrong(target, &fault);
            ExitCode::FAILURE
        }
    })
}

/// Resolves, connects and asks, and says at which of these it ends.
async fn http(target: &str, web: &Web, patience: Duration) -> Result<ExitCode, Error> {
    let uri: Option<Uri> = target.parse().ok();
    let place = uri.as_ref().and_then(|uri| {
        let usual = match uri.scheme_str()? {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        Some((uri.host()?, uri.port_u16().unwrap_or(usual)))
    });
    let Some((host, port)) = place else {
        return Err(Error::invalid(
            "configuration",
            format!("{target}: write it as http://HOST:PORT/PATH."),
        ));
    };
    if let Err(fault) = reach::connect(host, port, patience).await {
        wrong(target, &fault);
        return Ok(ExitCode::FAILURE);
    }
    let request = Request::get(target)
        .header(http::header::USER_AGENT, "techcommerce-doctor")
        .body(Full::new(Bytes::new()))
        .map_err(Error::internal)?;
    let answer = match web.send(request).await {
        Ok(answer) => answer,
        Err(error) => {
            say(format_args!("WRONG  {target}: {error}"));
            say(format_args!("       mend:    {}", no_answer(&error)));
            return Ok(ExitCode::FAILURE);
        }
    };
    let status = answer.status();
    let good = status.is_success() || status.is_redirection();
    let word = if good { "ok    " } else { "WRONG " };
    say(format_args!("{word} {target} answers {status}"));
    if let Some(place) = answer.headers().get(http::header::LOCATION) {
        say(format_args!(
            "       leads to {}",
            String::from_utf8_lossy(place.as_bytes())
        ));
    }
    let text = String::from_utf8_lossy(answer.body());
    let shown: String = text.chars().take(SHOWN).collect();
    if !shown.trim().is_empty() {
        say(shown.trim_end());
    }
    Ok(match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn no_answer(error: &NoAnswer) -> &'static str {
    match error {
        NoAnswer::Late => {
            "it takes connections and does not answer: it hangs or is overloaded; look at its log"
        }
        NoAnswer::Broken(why) if why.contains("certificate") => {
            "its certificate is not believed: name the authority with --ca-file, or use the name that \
             the certificate is for"
        }
        NoAnswer::Broken(_) => "something listens there that does not speak as the address says",
    }
}

fn wrong(target: &str, fault: &Fault) {
    say(format_args!("WRONG  {target}: {}", fault.says()));
    say(format_args!("       mend:    {}", fault.mend()));
}

/// Whom this machine asks for names.
fn name_servers() {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let asked = text.lines().map(str::trim);
    for line in asked.filter(|line| line.starts_with("nameserver") || line.starts_with("search")) {
        say(format_args!("       {line}"));
    }
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1000.0)
}
