//! The dashboards of k8s/monitoring/dashboards: written here, in words that somebody who owns a shop
//! understands, and turned into what Grafana reads by `cargo xtask generate`.

mod build;
mod capacity;
mod images;
mod jobs;
mod objectives;
mod orders;
mod promql;
mod services;
mod stores;

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use build::{Dashboard, Variable};

/// Where they lie, for the cluster and for compose.
pub const FOLDER: &str = "k8s/monitoring/dashboards";

/// Several shops in one cluster have a namespace each.
const NAMESPACE: Variable = Variable::Label {
    name: "namespace",
    heading: "Shop",
    metric: "techcommerce_build_info",
};

/// Processes of the shop, each service apart or all in one.
const OURS: &str =
    r#"service=~"frontend|api|product-api|order-api|auth|images|worker|techcommerce""#;

const SERVICE_PAGE: &str = "/d/techcommerce-services";

fn all() -> Vec<Dashboard> {
    vec![
        objectives::dashboard(),
        services::dashboard(),
        orders::dashboard(),
        jobs::dashboard(),
        stores::dashboard(),
        images::dashboard(),
        capacity::dashboard(),
    ]
}

/// Every file with what belongs into it.
pub fn files() -> Vec<(String, String)> {
    let text = |dashboard: &Dashboard| format!("{:#}\n", dashboard.json());
    let mut all: Vec<(String, String)> = all()
        .iter()
        .map(|dashboard| (format!("{FOLDER}/{}.json", dashboard.name), text(dashboard)))
        .collect();
    all.push((format!("{FOLDER}/kustomization.yaml"), kustomization()));
    all
}

/// A ConfigMap for each, as the sidecar of Grafana in kube-prometheus-stack looks for them.
fn kustomization() -> String {
    let mut text = String::from(
        "# Written by `cargo xtask generate` from xtask/src/dashboards, as the dashboards are. Grafana's sidecar\n\
         # reads every ConfigMap with the label; their names have no hash, or an old one would stay beside.\n\
         apiVersion: kustomize.config.k8s.io/v1beta1\n\
         kind: Kustomization\n\
         namespace: monitoring\n\
         generatorOptions:\n  \
           disableNameSuffixHash: true\n  \
           labels:\n    \
             app.kubernetes.io/part-of: techcommerce\n    \
             grafana_dashboard: \"1\"\n  \
           annotations:\n    \
             grafana_folder: TechCommerce\n\
         configMapGenerator:\n",
    );
    for dashboard in all() {
        text.push_str(&format!(
            "  - name: techcommerce-dashboard-{0}\n    files: [{0}.json]\n",
            dashboard.name
        ));
    }
    text
}

/// Writes them anew, and takes away what is no longer one.
pub fn write() -> Result<()> {
    std::fs::create_dir_all(FOLDER)?;
    for stray in strays()? {
        std::fs::remove_file(stray)?;
    }
    for (file, text) in files() {
        std::fs::write(&file, text)?;
        println!("{file} is written");
    }
    Ok(())
}

/// What is committed is what the code says, and nothing else lies there.
pub fn check() -> Result<()> {
    for (file, text) in files() {
        let committed = std::fs::read_to_string(&file).with_context(|| file.clone())?;
        if committed != text {
            bail!("{file} is not what xtask/src/dashboards says; run `cargo xtask generate`");
        }
    }
    if let Some(stray) = strays()?.first() {
        bail!(
            "{} is no dashboard of xtask/src/dashboards",
            stray.display()
        );
    }
    Ok(())
}

/// Dashboards in the folder that nothing here writes.
fn strays() -> Result<Vec<PathBuf>> {
    let ours: Vec<PathBuf> = files().into_iter().map(|(file, _)| file.into()).collect();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(FOLDER).into_iter().flatten() {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "json") && !ours.contains(&path) {
            found.push(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
