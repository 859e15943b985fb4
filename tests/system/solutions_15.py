"""Module 15: wrong solutions that its checkpoint must refuse, unusual ones it must accept."""

from solutions import Unusual, Wrong

CHECKED = "    if checksum(description, arrays) != wanted:\n"
JOINED = 'b"".join(a.tobytes() for *_, a in found))\n'
RENAMED = (
    "        while True:\n"
    "            number = max(numbered(folder), default=0) + 1\n"
    "            try:\n"
    "                part.rename(folder / str(number))\n"
    "                return number\n"
    "            except OSError:\n"
    "                if not (folder / str(number)).exists():\n"
    "                    raise\n"
)
BACK = '            found = [*found, event["version"]] if "version" in event else found[:-1]\n'
ROWS = '        raise Refused(400, "inputs are finite numbers; one is too large for float32")\n'
SHAPE = "    if array.shape[1:] != shape or not 1 <= len(array) <= most:\n"
NUMBERS = "    if not all(type(element) in (int, float) for element in array.flat):\n"
PARSED = 'json.loads(body, parse_constant=not_a_number)["inputs"]'
FULL = "            if len(self._waiting) >= self.max_queue:\n"
ROOM = "            while self._waiting and len(self._waiting[0][0]) <= room:\n"
WAITED = "            end = time.monotonic() + self.max_wait\n"
CUT = "            parts = np.split(outputs, np.cumsum([len(part) for part in rows])[:-1])\n"
INVALID = "        if not math.isfinite(value):\n"
BUCKET = "            self._values[name][int(np.searchsorted(BUCKETS, value))] += 1\n"
DRIFTED = "p_values < self.false_alarm_rate / len(columns)"
NARROW = "            live, reference = live.astype(narrow), reference.astype(narrow)\n"
STARS = "np.where(np.abs(i * m - (k - i) * n) >= largest, 1.0, now)"
LOOK = "            if self.p_value() > self.false_alarm_rate / 2**self.looks:\n"
EVERY = "self.done[which] < self.minimum * 2**self.looks"

WRONG: dict[str, dict[str, Wrong]] = {
    "15_mlops": {
        "checksum ignored": Wrong(
            CHECKED,
            "    if not wanted:\n",
            "test_damaged_models",
            "another number: load_model said 'nothing was raised'",
        ),
        "checksum of arrays alone": Wrong(
            "    found = hashlib.sha256(json.dumps(description, sort_keys=True).encode())\n",
            "    found = hashlib.sha256()\n",
            "test_damaged_models",
            "another description: load_model said 'nothing was raised'",
        ),
        "newer formats are read": Wrong(
            "    if version != FORMAT:\n",
            "    if version < FORMAT:\n",
            "test_damaged_models",
            "a file of format 77: load_model said",
        ),
        "a loaded model is in training": Wrong(
            'model = built(description["layers"]).eval() if',
            'model = built(description["layers"]) if',
            "test_saved_models",
            "output",
        ),
        "memory of a transposed array": Wrong(
            JOINED,
            'b"".join(np.asarray(dict(tensors)[n]).tobytes("A") for _, n, *_ in found))\n',
            "test_safetensors_written",
            "the data after the header are not the arrays in C order",
        ),
        "tensors as they come": Wrong(
            "    found.sort(key=lambda entry: entry[:2])\n",
            "    found.sort(key=lambda entry: entry[1])\n",
            "test_safetensors_written",
            "got",
        ),
        "header without padding": Wrong(
            '    text += b" " * (-len(text) % 8)\n',
            "",
            "test_safetensors_written",
            "got",
        ),
        "holes are read": Wrong(
            "            if start != end or stop - start != size or stop > len(data):\n",
            "            if stop - start != size or stop > len(data):\n",
            "test_safetensors_read",
            "load_safetensors read a damaged file",
        ),
        "a rest is read": Wrong(
            "        if end != len(data):\n",
            "        if end > len(data):\n",
            "test_safetensors_read",
            "longer: load_safetensors read a damaged file",
        ),
        "weights are not turned": Wrong(
            '        return graph.add("Gemm", *inputs, transB=1)\n',
            '        return graph.add("Gemm", *inputs)\n',
            "test_onnx_network",
            "",
        ),
        "columns are padded before rows": Wrong(
            "    kernel, pads = list(arrays[1].shape[2:]), sizes_of(padding)\n",
            "    kernel, pads = list(arrays[1].shape[2:]), sizes_of(padding)[::-1]\n",
            "test_onnx_layers",
            "convolution: the file computes",
        ),
        "default epsilon": Wrong(
            '    return graph.add("LayerNormalization", *inputs, axis=-arrays[1].ndim, epsilon=float(eps))\n',
            '    return graph.add("LayerNormalization", *inputs, axis=-1, epsilon=float(eps))\n',
            "test_onnx_layers",
            "",
        ),
        "exported in the mode that it is in": Wrong(
            "        y = traced(model.train(training), x, graph)\n",
            "        y = traced(model, x, graph)\n",
            "test_onnx_network",
            "",
        ),
        "left in evaluation": Wrong(
            "            module.training = mode\n",
            "            module.training = False\n",
            "test_onnx_network",
            "the export changed a mode or a running statistic of the model",
        ),
        "statistics move": Wrong(
            "            module.training = mode\n        model.load_state_dict(state)\n",
            "            module.training = mode\n",
            "test_onnx_block",
            "the export changed the running statistics of the model",
        ),
        "a read and a write": Wrong(
            RENAMED,
            "        number = max(numbered(folder), default=0) + 1\n"
            "        time.sleep(0.001)\n"
            "        shutil.rmtree(folder / str(number), ignore_errors=True)\n"
            "        part.rename(folder / str(number))\n"
            "        return number\n",
            "test_registry_at_once",
            "",
        ),
        "a number that was taken": Wrong(
            RENAMED,
            "        number = max(numbered(folder), default=0) + 1\n"
            "        part.rename(folder / str(number))\n"
            "        return number\n",
            "test_registry_at_once",
            "errors",
        ),
        "rollback is forgotten": Wrong(
            BACK,
            '            found = [*found, event["version"]] if "version" in event else [*found, found[-2]]\n',
            "test_registry",
            "got",
        ),
        "rollback to the number before": Wrong(
            "        return self.history(name, stage)[-1]\n        ### END SOLUTION\n\n    def load",
            "        return self.history(name, stage)[-1] - 1\n        ### END SOLUTION\n\n    def load",
            "test_registry",
            "got [3, 0], expected [4, 1]",
        ),
        "names of other folders": Wrong(
            '            if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9][\\w.-]*", name, re.ASCII):\n',
            '            if not isinstance(name, str) or not name or name == ".":\n',
            "test_registry",
            "name '../m': nothing was raised, expected ValueError",
        ),
        "NaN in sums": Wrong(
            INVALID,
            "        if value is None:\n",
            "test_metrics_stay_finite",
            "nan",
        ),
        "infinity in sums": Wrong(
            INVALID,
            "        if math.isnan(value):\n",
            "test_metrics_stay_finite",
            "",
        ),
        "a bound is in the next bucket": Wrong(
            BUCKET,
            '            self._values[name][int(np.searchsorted(BUCKETS, value, "right"))] += 1\n',
            "test_metrics",
            "got",
        ),
        "buckets that are not cumulative": Wrong(
            "                sums = np.cumsum(self._values[name]).tolist()\n",
            "                sums = [*self._values[name][:-1], sum(self._values[name])]\n",
            "test_metrics",
            "got",
        ),
        "NaN is 0": Wrong(
            PARSED,
            'json.loads(body, parse_constant=lambda text: 0.0)["inputs"]',
            "test_server_refuses",
            "NaN: answered with 200",
        ),
        "any shape is accepted": Wrong(
            SHAPE,
            "    if array.ndim < 2 or not 1 <= len(array) <= most:\n",
            "test_server_refuses",
            "answered with 500",
        ),
        "more rows than a batch": Wrong(
            SHAPE,
            "    if array.shape[1:] != shape or not len(array):\n",
            "test_server_refuses",
            "more rows than a batch: answered with",
        ),
        "true is 1": Wrong(
            NUMBERS,
            "    if not all(isinstance(element, int | float) for element in array.flat):\n",
            "test_server_refuses",
            "true: answered with 200",
        ),
        "infinite in float32": Wrong(
            "    if not np.isfinite(rows).all():\n",
            "    if np.isnan(rows).any():\n",
            "test_server_refuses",
            "too large for float32: answered with",
        ),
        "deep lists end the thread": Wrong(
            "    except (ValueError, RecursionError) as error:\n",
            "    except ValueError as error:\n",
            "test_server_refuses",
            "RecursionError",
        ),
        "a queue without a bound": Wrong(
            FULL,
            "            if len(self._waiting) < 0:\n",
            "test_server_under_pressure",
            "got [], expected [503, 503, 503, 503]",
        ),
        "one by one": Wrong(
            ROOM,
            "            while self._waiting and not batch:\n",
            "test_server_batches",
            "12 calls of the model for 12 requests at once",
        ),
        "everything at once": Wrong(
            ROOM,
            "            while self._waiting:\n",
            "test_server_batches",
            "expected at most 5",
        ),
        "no waiting for others": Wrong(
            WAITED,
            "            end = time.monotonic()\n",
            "test_server_batches",
            "got ([1, 1], 200), expected ([2], 200)",
        ),
        "rows of a neighbour": Wrong(
            CUT,
            "            parts = np.split(outputs, np.cumsum([len(part) for part in rows])[:-1])[::-1]\n",
            "test_server_batches",
            "largest difference",
        ),
        "NaN as an answer": Wrong(
            "            if np.isfinite(part).all():\n",
            "            if True:\n",
            "test_server_under_pressure",
            "'2': 200",
        ),
        "a model that raises ends the thread": Wrong(
            "        except Exception as error:  # a model may raise anything, and the next batch must go on\n",
            "        except ValueError as error:\n",
            "test_server_under_pressure",
            "'1': 504",
        ),
        "served in training": Wrong(
            "copy.deepcopy(model).eval()",
            "copy.deepcopy(model).train()",
            "test_server_answers",
            "largest difference",
        ),
        "the model itself": Wrong(
            "copy.deepcopy(model).eval()",
            "model.eval()",
            "test_server_answers",
            "largest difference",
        ),
        "strictly farther": Wrong(
            STARS,
            STARS.replace(">=", ">"),
            "test_kolmogorov_smirnov",
            "largest difference",
        ),
        "drift is never found": Wrong(
            DRIFTED,
            "p_values < 0",
            "test_drift",
            "got [], expected [13]",
        ),
        "drift is always found": Wrong(
            DRIFTED,
            "p_values <= 1",
            "test_drift",
            "expected [13]",
        ),
        "one test counts as twenty": Wrong(
            DRIFTED,
            "p_values < self.false_alarm_rate",
            "test_drift",
            "",
        ),
        "two dtypes": Wrong(
            NARROW,
            "            pass\n",
            "test_drift",
            "expected []",
        ),
        "edges of the live data": Wrong(
            "    edges = np.unique(np.quantile(reference, np.arange(1, bins) / bins))\n",
            "    edges = np.unique(np.quantile(live, np.arange(1, bins) / bins))\n",
            "test_stability_index",
            "largest difference",
        ),
        "all that ever was": Wrong(
            "        self._rows: deque[tuple[float, bool, bool | None]] = deque(maxlen=window)\n",
            "        self._rows: deque[tuple[float, bool, bool | None]] = deque()\n",
            "test_monitor",
            "largest difference",
        ),
        "drift that need not last": Wrong(
            "        self.in_a_row = self.in_a_row + 1 if drifted else 0\n",
            "        self.in_a_row = self.in_a_row + drifted\n",
            "test_trigger",
            "got",
        ),
        "never rolled back": Wrong(
            LOOK,
            "            if self.looks:\n",
            "test_canary",
            "expected ['rolled back'",
        ),
        "always rolled back": Wrong(
            LOOK,
            "            if not self.looks:\n",
            "test_canary",
            "good models were rolled back",
        ),
        "looks after each request": Wrong(
            EVERY,
            "self.done[which] < self.minimum",
            "test_canary",
            "",
        ),
        "users see the errors of a candidate": Wrong(
            "            except Exception:  # whatever it raises, the user gets an answer\n",
            "            except ValueError:\n",
            "test_canary",
            "OSError",
        ),
    },
}

UNUSUAL: dict[str, dict[str, Unusual]] = {
    "15_mlops": {
        "other operators": Unusual(
            (
                (
                    '        return graph.add("Gemm", *inputs, transB=1)\n'
                    '    product = graph.add("MatMul", inputs[0]',
                    '        pass\n    product = graph.add("MatMul", inputs[0]',
                ),
                (
                    '    return graph.add("LayerNormalization", *inputs, axis=-arrays[1].ndim, epsilon=float(eps))\n',
                    "    axes = graph.constant(np.arange(-arrays[1].ndim, 0))\n"
                    '    mean = graph.add("ReduceMean", inputs[0], axes, keepdims=1)\n'
                    '    middle = graph.add("Sub", inputs[0], mean)\n'
                    '    var = graph.add("ReduceMean", graph.add("Mul", middle, middle), axes, keepdims=1)\n'
                    "    eps = graph.constant(np.asarray(eps, np.float32))\n"
                    '    y = graph.add("Div", middle, graph.add("Sqrt", graph.add("Add", var, eps)))\n'
                    '    return graph.add("Add", graph.add("Mul", y, inputs[1]), inputs[2])\n',
                ),
            )
        ),
        "all paths in a loop": Unusual(
            (
                (
                    "        met[low : high + 1] = " + STARS + "\n",
                    "        for place, share in zip(i.tolist(), now.tolist(), strict=True):\n"
                    "            met[place] = 1.0 if abs(place * m - (k - place) * n) >= largest else share\n",
                ),
            )
        ),
    },
}
