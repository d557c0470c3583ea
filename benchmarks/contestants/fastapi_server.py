"""A model behind FastAPI and Uvicorn as tutorials show it: a function for each request, which computes by itself.

python -m benchmarks.contestants.fastapi_server RUN PORT
"""

from __future__ import annotations

import sys

import numpy as np
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

import netspec

model = netspec.load(sys.argv[1])
app = FastAPI()


class Images(BaseModel):
    inputs: list[list[float]]


@app.get("/metrics")
def metrics() -> str:
    return ""


@app.post("/predict")
def predict(images: Images) -> dict[str, list[list[float]]]:
    found = model(np.array(images.inputs, np.float32).reshape(-1, 28, 28, 1))
    return {"outputs": np.asarray(found).tolist()}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
