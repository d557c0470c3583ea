"""A JobSet for a training on the nodes of a Kubernetes cluster: one pod with one process on each.

A pod that is lost restarts all of them, up to `MAX_RESTARTS` times, and they resume the run. JobSet is an addition to
Kubernetes that its administrator installs.

Reference: https://jobset.sigs.k8s.io/docs/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from netspec.training.distributed.launch.job import Job, in_comment
from netspec.training.distributed.launch.submit import submit

MAX_RESTARTS = 20
GRACE = 120
"""Seconds from SIGTERM to SIGKILL, in which the processes save a checkpoint."""
FOLDER = "/work"

MANIFEST = """\
# Trains {spec} on {resources}: `kubectl apply -f {file}`.
# The claim {claim} holds the folder of the spec; the run is written to {run} in it, and resumed from there.
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  name: {name}
{namespace}spec:
  network:
    enableDNSHostnames: true        # the processes find the first one by its name
  coordinator:
    replicatedJob: worker
  failurePolicy:
    maxRestarts: {restarts:<18} # after the loss of a pod or a node: all start again, and resume the run
    rules:                          # but errors of the spec or the data would come again, and the time is over
      - name: no-restart
        action: FailJobSet
        onJobFailureReasons: [PodFailurePolicy, DeadlineExceeded]
  replicatedJobs:
    - name: worker
      template:
        spec:
          completionMode: Indexed
          parallelism: {nodes}
          completions: {nodes}
          backoffLimit: 0
{deadline}          podFailurePolicy:
            rules:
              - action: FailJob
                onExitCodes:
                  containerName: netspec
                  operator: In
                  values: [1, 2]    # an error of the spec or the data, a bug of netspec
          template:
            spec:
              restartPolicy: Never
              terminationGracePeriodSeconds: {grace}  # to save a checkpoint
              containers:
                - name: netspec
                  image: {image}
                  workingDir: {folder}
                  command:
{command}
                  env:              # how many processes there are, and which pods have them
                    - name: JAX_NUM_PROCESSES
                      value: "{nodes}"
                    - name: JOBSET_NAME
                      value: {name}
                    - name: REPLICATED_JOB_NAME
                      value: worker
{resource_limits}                  volumeMounts:
                    - name: work
                      mountPath: {folder}
                    - name: memory
                      mountPath: /dev/shm
              volumes:
                - name: work
                  persistentVolumeClaim:
                    claimName: {claim_name}
                - name: memory      # NCCL exchanges data through it
                  emptyDir:
                    medium: Memory
"""


def kubernetes_manifest(job: Job, file: str, *, image: str, claim: str, namespace: str | None = None) -> str:
    """The text of a manifest with a JobSet.

    Args:
        job: what to train; the paths in its command are relative to the folder that the claim holds.
        file: the name of the manifest, for its comment.
        image: a container image that has netspec.
        claim: the name of a persistent volume claim, which every node can mount for writing.
        namespace: the namespace of the JobSet; None: that of kubectl.

    Raises:
        ValueError: the name of the claim or of the namespace is not one that Kubernetes takes.
    """
    for what, name in (("claim", claim), ("namespace", namespace or "default")):
        if re.fullmatch(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", name) is None:
            raise ValueError(f"`{name}` is not the name of a {what}: lowercase letters, digits and hyphens")
    return MANIFEST.format(
        spec=in_comment(job.spec),
        resources=job.resources,
        file=in_comment(file),
        run=in_comment(job.run),
        name=_quoted(job.label),
        namespace=f"  namespace: {_quoted(namespace)}\n" if namespace else "",
        restarts=MAX_RESTARTS,
        nodes=job.nodes,
        deadline=f"          activeDeadlineSeconds: {job.time}\n" if job.time is not None else "",
        grace=GRACE,
        image=_quoted(image),
        folder=FOLDER,
        command="\n".join(
            f"                    - {_quoted(word.replace('$(', '$$('))}" for word in ("netspec", *job.command)
        ),
        resource_limits="".join(f"{' ' * 18}{line}\n" for line in _limits(job)),
        claim=claim,
        claim_name=_quoted(claim),
    )


def _limits(job: Job) -> Iterator[str]:
    """The resources of a pod: what it requests is also its limit."""
    limits = {"nvidia.com/gpu": job.gpus or None, "cpu": job.cpus, "memory": f"{job.memory}i" if job.memory else None}
    if any(limits.values()):
        yield "resources:"
        yield "  limits:"
        yield from (f"    {name}: {value}" for name, value in limits.items() if value)


def _quoted(text: str) -> str:
    """A string of YAML, which JSON is too."""
    return json.dumps(text, ensure_ascii=False)


def submit_manifest(manifest: Path) -> str:
    """Submit a manifest with kubectl; what it answers.

    Raises:
        CompileError: there is no kubectl on this machine, or it refuses the manifest (NS586).
    """
    return submit(["kubectl", "apply", "-f", str(manifest)], manifest)
