"""Evaluates admission policies as an API server would: `python admission.py cel|rego`, the objects of
one rendering as a JSON list on standard input, findings as a JSON list on standard output.

Every pod that the rendering's own workloads make must be admitted, and each planted mistake refused.
"""

import copy
import json
import sys

OURS = "ghcr.io/techcommerce/techcommerce"
DIGEST = "@sha256:" + "0" * 64
# As operators make theirs: with a token, and nothing of our habits.
OPERATED = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "postgres-1", "labels": {"cnpg.io/cluster": "postgres"}},
    "spec": {
        "initContainers": [{"name": "bootstrap", "image": "ghcr.io/cloudnative-pg/cloudnative-pg:1.27.0"}],
        "containers": [{"name": "postgres", "image": "ghcr.io/cloudnative-pg/postgresql:17.5"}],
    },
}
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def pod_of(workload):
    """The pod that a workload makes."""
    spec = workload["spec"]
    template = (spec["jobTemplate"]["spec"] if workload["kind"] == "CronJob" else spec)["template"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": workload["metadata"]["name"], **template["metadata"]},
        "spec": template["spec"],
    }


class Cel:
    """A ValidatingAdmissionPolicy, or Kyverno's namesake."""

    KINDS = ("ValidatingAdmissionPolicy", "NamespacedValidatingPolicy", "ValidatingPolicy")

    def __init__(self, objects):
        import celpy

        self.celpy = celpy
        self.policies = [o["spec"] for o in objects if o["kind"] in self.KINDS]
        self.on_workloads = any(o["kind"] == "ValidatingAdmissionPolicy" for o in objects)
        # Kyverno puts the digest in the place of a tag itself; that is not CEL's to say.
        self.by_digest = self.on_workloads

    def value(self, expression, context):
        environment = self.celpy.Environment()
        # Kubernetes' own addition, which plain CEL has not.
        join = lambda texts, between: self.celpy.celtypes.StringType(between.join(texts))
        program = environment.program(environment.compile(expression), functions={"join": join})
        return program.evaluate(context)

    def refusals(self, thing):
        found = []
        for spec in self.policies:
            variables = self.celpy.celtypes.MapType()
            context = {"object": self.celpy.json_to_cel(thing), "variables": variables}
            for variable in spec.get("variables", []):
                name = self.celpy.celtypes.StringType(variable["name"])
                variables[name] = self.value(variable["expression"], context)
            for rule in spec["validations"]:
                if not self.value(rule["expression"], context):
                    message = rule.get("message")
                    if message is None:
                        message = str(self.value(rule["messageExpression"], context))
                    found.append(message)
        return found


class Rego:
    """Gatekeeper's templates, with the parameters of the constraints."""

    def __init__(self, objects):
        import regopy

        self.regopy = regopy
        self.on_workloads = False
        self.by_digest = True
        templates = {
            o["spec"]["crd"]["spec"]["names"]["kind"]: o["spec"]["targets"][0]["code"][0]["source"]["rego"]
            for o in objects
            if o["kind"] == "ConstraintTemplate"
        }
        self.policies = [
            (o["kind"].lower(), templates[o["kind"]], o["spec"].get("parameters", {}))
            for o in objects
            if o["kind"] in templates
        ]

    def refusals(self, thing):
        found = []
        for package, source, parameters in self.policies:
            interpreter = self.regopy.Interpreter()
            interpreter.add_module(package, source)
            interpreter.set_input({"review": {"object": thing}, "parameters": parameters})
            answer = json.loads(str(interpreter.query(f"data.{package}.violation")))
            if "expressions" not in answer:
                raise ValueError(f"{package}: {answer}")
            found += [violation["msg"] for violation in answer["expressions"][0]]
        return found


def mistakes(by_digest):
    """What is to be refused: a name, and what spoils the pod's spec."""

    def image(name):
        def spoil(spec):
            spec["containers"][0]["image"] = name

        return spoil

    def init(spec):
        spec["initContainers"] = [{**spec["containers"][0], "name": "first", "image": "busybox:1"}]

    def root(spec):
        del spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"]

    def unbounded(spec):
        del spec["containers"][0]["resources"]

    def token(spec):
        spec["automountServiceAccountToken"] = True

    def token_by_default(spec):
        del spec["automountServiceAccountToken"]

    def links(spec):
        del spec["enableServiceLinks"]

    if by_digest:
        yield "a tag", image(OURS + ":0.1.0")
    yield "another repository", image("docker.io/somebody/techcommerce" + DIGEST)
    yield "a repository that begins as ours", image(OURS + "-copy" + DIGEST)
    yield "a registry that begins as a store", image("postgres.example/image:1")
    yield "a foreign init container", init
    yield "a writable root", root
    yield "no requests or limits", unbounded
    yield "a token", token
    yield "a token by default", token_by_default
    yield "service links", links


def check(engine, objects):
    rules = (Cel if engine == "cel" else Rego)(objects)
    if not rules.policies:
        return
    workloads = [o for o in objects if o["kind"] in WORKLOADS]

    def things(workload):
        return [pod_of(workload)] + ([workload] if rules.on_workloads else [])

    for workload in workloads:
        for thing in things(workload):
            for message in rules.refusals(thing):
                place = f"{workload['kind']}/{workload['metadata']['name']}"
                yield {"place": place, "wrong": f"its {thing['kind']} is refused: {message}"}
    for message in rules.refusals(copy.deepcopy(OPERATED)):
        yield {"place": "Pod/postgres-1", "wrong": f"an operator's pod is refused: {message}"}
    mixed = copy.deepcopy(OPERATED)
    mixed["spec"]["containers"].append({"name": "more", "image": "busybox:1"})
    if not rules.refusals(mixed):
        yield {"place": "Pod", "wrong": "a foreign container beside an operator's is admitted"}
    sample = next((o for o in workloads if o["kind"] == "Deployment"), None)
    for name, spoil in mistakes(rules.by_digest):
        if sample is None:
            break
        spoilt = copy.deepcopy(sample)
        spoil(spoilt["spec"]["template"]["spec"])
        for thing in things(spoilt):
            if not rules.refusals(thing):
                yield {"place": thing["kind"], "wrong": f"a {thing['kind']} with {name} is admitted"}


if __name__ == "__main__":
    json.dump(list(check(sys.argv[1], json.load(sys.stdin))), sys.stdout)
