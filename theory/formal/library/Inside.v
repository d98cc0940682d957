(* Networks of many neurons in a ball: integers D |a| w over one denominator D. For the norms of whole layers only d x d
   matrices are looked at, of integers of a few hundred digits. *)
Require Import Reals List ZArith Lra Lia Psatz Bool.
Require Import Isthmus.Vec Isthmus.Net Isthmus.Ball Isthmus.Definite Isthmus.Check.
Import ListNotations.
Open Scope R_scope.

(* D, and for each neuron whether a > 0, and D |a| w *)
Notation unit_neuron := (bool * list Z)%type.
Notation point := (Z * list unit_neuron)%type.
(* (E, F) and A for each neuron: A / E is its share of the square of a norm, F how finely one over that is rounded *)
Notation sharing := (Z * Z * list Z)%type.

Definition neuron (p : point) (j : nat) : unit_neuron := nth j (snd p) (true, []).
Definition pW (p : point) : nat -> rvec := fun j i => vec (snd (neuron p j)) i / IZR (fst p).
Definition pa (p : point) : nat -> R := fun j => sgn (fst (neuron p j)).

(* ---- matrices g 1 - sum_j b_j u_j u_j^T ---- *)

Fixpoint diagonal (g : Z) (n : nat) : upper := match n with O => [] | S k => (g, repeat 0%Z k) :: diagonal g k end.
Fixpoint less_square (b : Z) (u : list Z) (M : upper) : upper :=
  match u, M with
  | a :: u, (v, r) :: M => let c := (b * a)%Z in ((v - c * a)%Z, lin 1 r (- c) u) :: less_square b u M
  | _, _ => M
  end.
Definition definite (d : nat) (g : Z) (l : list (Z * list Z)) : bool :=
  nonnegative d (fold_right (fun v M => less_square (fst v) (snd v) M) (diagonal g d) l).

(* sum_j b_j (u_j . z)^2 *)
Fixpoint squares (l : list (Z * list Z)) (z : rvec) : R :=
  match l with [] => 0 | (b, u) :: l => IZR b * (dot u z * dot u z) + squares l z end.

Lemma diagonal_form : forall g n z, length (diagonal g n) = n /\ shaped (diagonal g n) /\
  form (diagonal g n) z = IZR g * sumlt n (fun i => z i * z i).
Proof.
  intros g. induction n as [|n IH]; intros z; cbn [diagonal form shaped length].
  - repeat split. simpl. ring.
  - destruct (IH (next z)) as (L & S & E). rewrite E, L, sumlt_first, repeat_length. repeat split; auto.
    assert (D : forall k u, dot (repeat 0%Z k) u = 0).
    { induction k as [|k IHk]; intros u; cbn [repeat dot]; auto. rewrite IHk. ring. }
    rewrite D. unfold next. ring.
Qed.

Lemma less_square_form : forall b u M z, (length u <= length M)%nat -> shaped M ->
  length (less_square b u M) = length M /\ shaped (less_square b u M) /\
  form (less_square b u M) z = form M z - IZR b * (dot u z * dot u z).
Proof.
  assert (Ll : forall a r c u, (length u <= length r)%nat -> length (lin a r c u) = length r).
  { intros a. induction r as [|p r IHr]; intros c [|q u] Lu; cbn [lin length] in *; try lia.
    - reflexivity.
    - apply map_length.
    - rewrite IHr by lia. reflexivity. }
  intros b. induction u as [|a u IH]; intros [|[v r] M] z L S; cbn [less_square form dot length shaped] in *; try (split; [auto|split; [auto|ring]]); try lia.
  destruct S as [Lr S]. destruct (IH M (next z)) as (L1 & S1 & E); [lia|auto|].
  rewrite L1, E, Ll, dot_linrow, minus_IZR, opp_IZR, !mult_IZR by lia. repeat split; auto.
  change (dot u (fun i => z (Datatypes.S i))) with (dot u (next z)). ring.
Qed.

Lemma definite_R : forall d g l, (forall v, In v l -> (length (snd v) <= d)%nat) -> definite d g l = true ->
  forall z, squares l z <= IZR g * sumlt d (fun i => z i * z i).
Proof.
  intros d g l L H z. unfold definite in H. set (M := fold_right _ _ l) in H.
  assert (F : length M = d /\ shaped M /\ form M z = IZR g * sumlt d (fun i => z i * z i) - squares l z).
  { unfold M. clear H M. induction l as [|[b u] l IH]; cbn [fold_right squares].
    - destruct (diagonal_form g d z) as (L1 & S & E). rewrite E. repeat split; auto. ring.
    - destruct IH as (L1 & S1 & E); [intros; apply L; right; auto|]. cbn [fst snd].
      destruct (less_square_form b u (fold_right (fun v M => less_square (fst v) (snd v) M) (diagonal g d) l) z) as (L2 & S2 & E2); auto.
      + rewrite L1. apply (L (b, u)). left. auto.
      + rewrite L2, E2, E. repeat split; auto. ring. }
  destruct F as (_ & S & E). pose proof (nonnegative_form _ _ S H z) as K. rewrite E in K. lra.
Qed.

(* the same of integers that are rounded down to multiples of 2^s: (u + e).z has a square of at most (1 + 1/k) (u.z)^2 +
   (1 + k) (e.z)^2 *)
Definition bounded_squares (d : nat) (s g : Z) (l : list (Z * list Z)) : bool :=
  if Z.leb s 0 then definite d g l else
    let k := (2 ^ 60)%Z in
    let total := fold_right (fun v t => (fst v + t)%Z) 0%Z l in
    forallb (fun v => Z.leb 0 (fst v)) l &&
    definite d (k * (Z.shiftr g (2 * s) - (1 + k) * Z.of_nat d * total))
      (map (fun v => (((k + 1) * fst v)%Z, map (fun a => Z.shiftr a s) (snd v))) l).

Lemma bounded_squares_R : forall d s g l, (forall v, In v l -> (length (snd v) <= d)%nat) -> bounded_squares d s g l = true ->
  forall z, squares l z <= IZR g * sumlt d (fun i => z i * z i).
Proof.
  intros d s g l L H z. unfold bounded_squares in H. destruct (Z.leb s 0) eqn:Es; [apply definite_R; auto|].
  apply Z.leb_gt in Es. apply andb_prop in H as [Hb H]. set (k := (2 ^ 60)%Z) in *. set (t := fold_right _ _ l) in *.
  assert (Hk : 0 < IZR k) by (apply IZR_lt; reflexivity).
  assert (Hs : (0 < 2 ^ s)%Z) by (apply Z.pow_pos_nonneg; lia). set (S := IZR (2 ^ s)).
  assert (HS : 0 < S) by (apply IZR_lt; auto).
  apply definite_R with (z := z) in H.
  2:{ intros v Iv. apply in_map_iff in Iv as (w & <- & Iw). cbn [snd]. rewrite map_length. auto. }
  set (n := sumlt d (fun i => z i * z i)) in *. assert (Hn : 0 <= n) by apply sumlt_squares.
  assert (One : forall u, (length u <= d)%nat -> dot u z * dot u z <=
    (1 + / IZR k) * (S * S) * (dot (map (fun a => Z.shiftr a s) u) z * dot (map (fun a => Z.shiftr a s) u) z) + (1 + IZR k) * (S * S) * INR d * n).
  { intros u Lu. set (v := dot (map (fun a => Z.shiftr a s) u) z). set (e := dot u z - S * v).
    assert (B : e * e <= S * S * INR d * n).
    { assert (Ee : e = dot (map (fun a => (a mod 2 ^ s)%Z) u) z).
      { unfold e, v, S. clear -Es Hs. revert z. induction u as [|a u IH]; intros z; cbn [map dot]; [ring|].
        rewrite <- IH. rewrite Z.shiftr_div_pow2 by lia. rewrite (Z.div_mod a (2 ^ s)) at 1 by lia. rewrite plus_IZR, mult_IZR. ring. }
      rewrite Ee, (dot_sumlt _ d) by (rewrite map_length; auto). eapply Rle_trans; [apply cauchy_schwarz|]. fold n.
      apply Rmult_le_compat_r; auto. clear Ee e v.
      replace (S * S * INR d) with (sumlt d (fun _ => S * S)).
      2:{ clear. induction d as [|d IH]; [simpl; ring|]. rewrite S_INR. simpl. rewrite IH. ring. }
      apply sumlt_le. intros i _. unfold vec.
      assert (Bi : 0 <= IZR (nth i (map (fun a => (a mod 2 ^ s)%Z) u) 0%Z) <= S).
      { unfold S. destruct (Nat.lt_ge_cases i (length u)) as [Li|Li].
        - rewrite (nth_indep _ 0%Z (0 mod 2 ^ s)%Z) by (rewrite map_length; auto). rewrite (map_nth (fun a => (a mod 2 ^ s)%Z) u 0%Z i).
          pose proof (Z.mod_pos_bound (nth i u 0%Z) (2 ^ s) Hs). split; apply IZR_le; lia.
        - rewrite nth_overflow by (rewrite map_length; auto). split; [lra|]. apply IZR_le. lia. }
      nra. }
    replace (dot u z) with (S * v + e) by (unfold e; ring).
    assert (Y : 0 <= (S * v - IZR k * e) * (S * v - IZR k * e) * / IZR k) by (apply Rmult_le_pos; [apply Rle_0_sqr|left; apply Rinv_0_lt_compat; auto]).
    replace ((S * v - IZR k * e) * (S * v - IZR k * e) * / IZR k) with (S * v * (S * v) * / IZR k - 2 * (S * v * e) + IZR k * (e * e)) in Y by (field; lra).
    nra. }
  set (c := IZR k * (S * S)). assert (SS : 0 < S * S) by (apply Rmult_lt_0_compat; auto). assert (Hc : 0 < c) by (apply Rmult_lt_0_compat; auto).
  assert (Sum : IZR k * squares l z <= (S * S) * squares (map (fun v => (((k + 1) * fst v)%Z, map (fun a => Z.shiftr a s) (snd v))) l) z +
    c * (1 + IZR k) * INR d * n * IZR t).
  { unfold t. clear H t. induction l as [|[b u] l IH]; cbn [squares map fold_right fst snd]; [lra|].
    cbn [forallb fst] in Hb. apply andb_prop in Hb as [Hb1 Hb2]. apply Z.leb_le, IZR_le in Hb1.
    specialize (IH (fun v i => L v (or_intror i)) Hb2). specialize (One u (L (b, u) (or_introl eq_refl))).
    rewrite plus_IZR, mult_IZR, plus_IZR. set (v := dot (map (fun a => Z.shiftr a s) u) z) in *.
    assert (K : IZR k * (IZR b * (dot u z * dot u z)) <= IZR b * ((IZR k + 1) * (S * S) * (v * v) + c * (1 + IZR k) * INR d * n)).
    { replace (IZR b * ((IZR k + 1) * (S * S) * (v * v) + c * (1 + IZR k) * INR d * n))
        with (IZR k * (IZR b * ((1 + / IZR k) * (S * S) * (v * v) + (1 + IZR k) * (S * S) * INR d * n))) by (unfold c; field; lra).
      apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; auto. }
    lra. }
  assert (G : IZR (Z.shiftr g (2 * s)) * (S * S) <= IZR g).
  { unfold S. rewrite Z.shiftr_div_pow2 by lia. rewrite <- !mult_IZR. apply IZR_le.
    replace (2 ^ s * 2 ^ s)%Z with (2 ^ (2 * s))%Z by (rewrite <- Z.pow_add_r by lia; f_equal; lia).
    rewrite Z.mul_comm. apply Z.mul_div_le. apply Z.pow_pos_nonneg; lia. }
  rewrite mult_IZR, minus_IZR, !mult_IZR, plus_IZR, <- INR_IZR_INZ in H.
  apply Rmult_le_reg_l with (IZR k); auto. eapply Rle_trans; [exact Sum|].
  apply (Rmult_le_compat_l (S * S)) in H; [|lra].
  apply (Rmult_le_compat_r (IZR k * n)) in G; [|apply Rmult_le_pos; lra]. unfold c. lra.
Qed.

(* ---- shares: sum_j z_j U_j is no longer than r |(b_j z_j)|, b_j^2 = al_j, if sum_j (y . U_j)^2 / al_j <= r^2 |y|^2 ---- *)

Lemma shared_bounded : forall m d U (al be : nat -> R) r, 0 <= r ->
  (forall j, (j < m)%nat -> 0 <= al j /\ 0 <= be j /\ ((forall i, (i < d)%nat -> U j i = 0) \/ 1 <= al j * be j)) ->
  (forall y, sumlt m (fun j => be j * (sumlt d (fun i => y i * U j i) * sumlt d (fun i => y i * U j i))) <= r * r * sumlt d (fun i => y i * y i)) ->
  bounded m d U (fun j => sqrt (al j)) r.
Proof.
  intros m d U al be r Hr H Q z. set (y := fun i => sumlt m (fun j => z j * U j i)). specialize (Q y).
  set (s := fun j => sumlt d (fun i => y i * U j i)) in *.
  assert (N : norm d y * norm d y = sumlt m (fun j => z j * s j)).
  { rewrite norm_sqr. unfold s. rewrite (sumlt_ext m _ (fun j => sumlt d (fun i => z j * (y i * U j i)))) by (intros; symmetry; apply sumlt_scale).
    rewrite sumlt_swap. apply sumlt_ext. intros i Hi. unfold y at 2. rewrite <- sumlt_scale. apply sumlt_ext. intros; ring. }
  set (p := fun j => sqrt (al j) * Rabs (z j)). set (q := fun j => sqrt (be j) * Rabs (s j)).
  assert (I : sumlt m (fun j => z j * s j) <= norm m p * norm m q).
  { eapply Rle_trans; [|apply inner_le]. apply sumlt_le. intros j Hj. destruct (H j Hj) as (A & B & [Z|L]); unfold p, q.
    - assert (E : s j = 0).
      { unfold s. rewrite (sumlt_ext d _ (fun _ => 0 * 0)) by (intros i Hi; rewrite Z; auto; ring).
        rewrite (sumlt_scale d 0 (fun _ => 0)). ring. }
      rewrite E, Rabs_R0. lra.
    - apply Rle_trans with (Rabs (z j) * Rabs (s j)); [rewrite <- Rabs_mult; apply Rle_abs|].
      replace (sqrt (al j) * Rabs (z j) * (sqrt (be j) * Rabs (s j))) with (sqrt (al j) * sqrt (be j) * (Rabs (z j) * Rabs (s j))) by ring.
      rewrite <- sqrt_mult by auto. rewrite <- (Rmult_1_l (Rabs (z j) * Rabs (s j))) at 1.
      apply Rmult_le_compat_r; [apply Rmult_le_pos; apply Rabs_pos|]. rewrite <- sqrt_1. apply sqrt_le_1_alt. auto. }
  assert (Nq : norm m q <= r * norm d y).
  { apply norm_least; [apply Rmult_le_pos; auto; apply norm_pos|].
    replace (r * norm d y * (r * norm d y)) with (r * r * (norm d y * norm d y)) by ring. rewrite norm_sqr.
    eapply Rle_trans; [|exact Q]. apply sumlt_le. intros j Hj. destruct (H j Hj) as (_ & B & _). unfold q.
    replace (sqrt (be j) * Rabs (s j) * (sqrt (be j) * Rabs (s j))) with (sqrt (be j) * sqrt (be j) * (Rabs (s j) * Rabs (s j))) by ring.
    rewrite sqrt_sqrt, <- Rabs_mult by auto. apply Rmult_le_compat_l; auto. rewrite Rabs_right by (apply Rle_ge, Rle_0_sqr). apply Rle_refl. }
  assert (Np : norm m p = norm m (fun j => sqrt (al j) * z j)).
  { apply Rle_antisym; apply norm_le; intros j _; unfold p; rewrite !Rabs_mult, ?Rabs_Rabsolu; lra. }
  rewrite <- Np. fold y. pose proof (norm_pos d y) as P. pose proof (norm_pos m p) as Pp. destruct P as [P|P].
  - apply Rmult_le_reg_r with (norm d y); auto. rewrite N. eapply Rle_trans; [exact I|].
    replace (r * norm m p * norm d y) with (norm m p * (r * norm d y)) by ring. apply Rmult_le_compat_l; auto.
  - rewrite <- P. apply Rmult_le_pos; auto.
Qed.

Section Inside.
Variable m d : nat.
Variable ball : balls.

(* digits by which a denominator of more than 100 is cut *)
Definition coarse (D : Z) : Z := (Z.log2 D - 100)%Z.
Definition inverse (E F A : Z) : Z := ((E * F + A - 1) / A)%Z.
(* sum_j b_j (u_j . z)^2 <= g |z|^2, u_j times the denominator of the radius *)
Definition weighed_squares (D g : Z) (l : list (unit_neuron * Z)) : bool :=
  bounded_squares d (coarse D) g (map (fun v => ((rd ball * rd ball * snd v)%Z, snd (fst v))) l).
Definition inside_ball (p : point) (sh : sharing) : bool :=
  let q := rd ball in let r := (rn ball * fst p)%Z in Z.ltb 0 q && Z.leb 0 r &&
  match ball with
  | Free => true
  | Entrywise _ _ => forallb (fun v => forallb (fun z => Z.leb (q * Z.abs z) r) (snd v)) (snd p)
  | Columns _ _ => forallb (fun v => Z.leb (q * q * dotZ (snd v) (snd v)) (r * r)) (snd p)
  | Frobenius _ _ => Z.leb (q * fold_right (fun v s => Z.sqrt_up (dotZ (snd v) (snd v)) + s)%Z 0%Z (snd p)) r
  | Spectral _ _ => weighed_squares (fst p) (r * r) (map (fun v => (v, 1%Z)) (snd p))
  | Summing _ _ =>
      let '(E, F, l) := sh in
      let all := map (fun v => (fst v, (snd v, inverse E F (snd v)))) (combine (snd p) l) in
      Z.ltb 0 E && Z.ltb 0 F && Nat.eqb (length l) (length (snd p)) && Z.leb (fold_right Z.add 0%Z l) E &&
      forallb (fun v => Z.leb 0 (fst (snd v)) && Z.leb 0 (snd (snd v)) &&
        (zerob (snd (fst v)) || Z.leb (E * F) (fst (snd v) * snd (snd v)))) all &&
      weighed_squares (fst p) (r * r * F) (map (fun v => (fst v, snd (snd v))) all)
  end.

Lemma zerob_vec : forall u i, zerob u = true -> vec u i = 0.
Proof.
  intros u i H. unfold zerob in H. rewrite forallb_forall in H. unfold vec. destruct (Nat.lt_ge_cases i (length u)) as [Li|Li].
  - specialize (H _ (nth_In _ 0%Z Li)). apply Z.eqb_eq in H. rewrite <- H. auto.
  - rewrite nth_overflow; auto.
Qed.

Lemma abs_sgn : forall s, Rabs (sgn s) = 1.
Proof. intros []; simpl; [apply Rabs_R1|rewrite Rabs_left; lra]. Qed.

Lemma entry_R : forall v D i, IZR D > 0 -> Rabs (sgn (fst v) * (vec (snd v) i / IZR D)) = Rabs (vec (snd v) i) / IZR D.
Proof.
  intros v D i HD. unfold Rdiv. rewrite !Rabs_mult, (Rabs_right (/ IZR D)) by (left; apply Rinv_0_lt_compat; auto).
  rewrite abs_sgn. ring.
Qed.

Lemma length_R : forall v D r, IZR D > 0 -> (length (snd v) <= d)%nat -> 0 <= r ->
  IZR (dotZ (snd v) (snd v)) <= (r * IZR D) * (r * IZR D) -> norm d (fun i => sgn (fst v) * (vec (snd v) i / IZR D)) <= r.
Proof.
  intros v D r HD L Hr H. apply norm_least; auto.
  rewrite (sumlt_ext d _ (fun i => / (IZR D * IZR D) * (vec (snd v) i * vec (snd v) i))).
  2:{ intros i _. assert (E : sgn (fst v) * sgn (fst v) = 1) by (unfold sgn; destruct (fst v); ring).
      transitivity (sgn (fst v) * sgn (fst v) * (/ (IZR D * IZR D) * (vec (snd v) i * vec (snd v) i))); [field; lra|]. rewrite E. ring. }
  rewrite sumlt_scale. rewrite dotZ_dot, (dot_sumlt _ d) in H by auto.
  apply Rmult_le_reg_l with (IZR D * IZR D); [nra|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by nra. lra.
Qed.

(* sum_j (y . U_j / D)^2 be_j, of integers *)
Lemma squares_R : forall D F (l : list (unit_neuron * Z)) q y, 0 < D -> 0 < F -> (forall v, In v l -> (length (snd (fst v)) <= d)%nat) ->
  F * (D * D) * (sumlt (length l) (fun j => IZR (snd (nth j l ((true, []), 0%Z))) / F *
    (sumlt d (fun i => y i * (sgn (fst (fst (nth j l ((true, []), 0%Z)))) * (vec (snd (fst (nth j l ((true, []), 0%Z)))) i / D))) *
     sumlt d (fun i => y i * (sgn (fst (fst (nth j l ((true, []), 0%Z)))) * (vec (snd (fst (nth j l ((true, []), 0%Z)))) i / D)))))) * (IZR q * IZR q) =
  squares (map (fun v => ((q * q * snd v)%Z, snd (fst v))) l) y.
Proof.
  intros D F l q y HD HF. induction l as [|[[s u] b] l IH]; intros L; [simpl; ring|].
  cbn [length map squares fst snd]. rewrite sumlt_first. cbn [nth fst snd].
  rewrite <- IH by (intros v Iv; apply L; right; auto). rewrite !mult_IZR, (dot_sumlt u d) by (apply (L ((s, u), b)); left; auto).
  set (t := sumlt (length l) _).
  assert (E : sumlt d (fun i => y i * (sgn s * (vec u i / D))) = sgn s / D * sumlt d (fun i => vec u i * y i)).
  { rewrite <- sumlt_scale. apply sumlt_ext. intros i _. field. lra. }
  assert (Es : sgn s * sgn s = 1) by (unfold sgn; destruct s; ring). rewrite E.
  set (v := sumlt d _). replace (F * (D * D) * (IZR b / F * (sgn s / D * v * (sgn s / D * v)) + t) * (IZR q * IZR q))
    with (IZR b * (v * v) * (sgn s * sgn s) * (IZR q * IZR q) + F * (D * D) * t * (IZR q * IZR q)) by (field; lra).
  rewrite Es. ring.
Qed.

Lemma weighed_R : forall p F l, IZR (fst p) > 0 -> (0 < F)%Z -> (0 < rd ball)%Z -> length (snd p) = m ->
  (forall v, In v (snd p) -> (length (snd v) <= d)%nat) -> map fst l = snd p ->
  weighed_squares (fst p) (rn ball * fst p * (rn ball * fst p) * F) l = true -> forall y,
  sumlt m (fun j => IZR (snd (nth j l ((true, []), 0%Z))) / IZR F *
    (sumlt d (fun i => y i * (pa p j * pW p j i)) * sumlt d (fun i => y i * (pa p j * pW p j i)))) <=
  IZR (rn ball) / IZR (rd ball) * (IZR (rn ball) / IZR (rd ball)) * sumlt d (fun i => y i * y i).
Proof.
  intros p F l HD HF Hq Lm Ld El H y. apply IZR_lt in HF, Hq.
  assert (Ld' : forall v, In v l -> (length (snd (fst v)) <= d)%nat).
  { intros v Iv. apply Ld. rewrite <- El. apply in_map. auto. }
  assert (Ll : length l = m) by (rewrite <- Lm, <- El; symmetry; apply map_length).
  apply bounded_squares_R with (z := y) in H.
  2:{ intros v Iv. apply in_map_iff in Iv as (w & <- & Iw). apply Ld'; auto. }
  rewrite <- (squares_R (IZR (fst p)) (IZR F)) in H by (auto; lra). rewrite Ll in H. rewrite !mult_IZR in H.
  set (t := sumlt m _) in H. set (q := IZR (rd ball)) in *. set (r := IZR (rn ball)) in *. set (D := IZR (fst p)) in *.
  replace (sumlt m _) with t.
  - apply Rmult_le_reg_l with (IZR F * (D * D) * (q * q)); [repeat apply Rmult_lt_0_compat; lra|].
    replace (IZR F * (D * D) * (q * q) * (r / q * (r / q) * sumlt d (fun i => y i * y i))) with
      (r * D * (r * D) * IZR F * sumlt d (fun i => y i * y i)) by (field; lra). lra.
  - unfold t. apply sumlt_ext. intros j Hj. unfold pa, pW, neuron. rewrite <- El.
    change (true, @nil Z) with (fst ((true, @nil Z), 0%Z)). rewrite map_nth. reflexivity.
Qed.

Lemma inside_ball_R : forall p sh, IZR (fst p) > 0 -> length (snd p) = m ->
  (forall v, In v (snd p) -> (length (snd v) <= d)%nat) -> inside_ball p sh = true -> in_ball m d ball (pW p) (pa p).
Proof.
  intros p sh HD Lm Ld H. unfold inside_ball in H. rewrite !andb_true_iff in H. destruct H as [[Hq Hr] H].
  apply Z.ltb_lt, IZR_lt in Hq. apply Z.leb_le, IZR_le in Hr. rewrite mult_IZR in Hr.
  set (q := IZR (rd ball)) in *. set (D := IZR (fst p)) in *.
  assert (Rn : 0 <= IZR (rn ball)) by (apply Rmult_le_reg_r with D; lra).
  assert (Hrho : 0 <= IZR (rn ball) / q) by (apply Rmult_le_pos; [|left; apply Rinv_0_lt_compat]; auto).
  assert (In_p : forall j, (j < m)%nat -> In (neuron p j) (snd p)) by (intros j Hj; apply nth_In; lia).
  pose proof (fun F l => weighed_R p F l HD) as Wd. set (a := rn ball) in *. set (b := rd ball) in *.
  assert (Ea : a = rn ball) by reflexivity. assert (Eb : b = rd ball) by reflexivity. clearbody a b.
  unfold in_ball, rn, rd in Ea, Eb |- *. destruct ball as [|k e|k e|k e|k e|k e]; auto; subst a b; fold q.
  - intros j i Hj Hi. unfold pW, pa. rewrite entry_R by auto. fold D. specialize (In_p j Hj).
    apply Rmult_le_reg_l with q; auto. replace (q * (IZR k / q)) with (IZR k) by (field; lra).
    unfold vec. destruct (Nat.lt_ge_cases i (length (snd (neuron p j)))) as [Li|Li].
    + rewrite forallb_forall in H. specialize (H _ In_p). rewrite forallb_forall in H. specialize (H _ (nth_In _ 0%Z Li)).
      apply Z.leb_le, IZR_le in H. rewrite !mult_IZR, abs_IZR in H. fold q D in H.
      apply Rmult_le_reg_r with D; auto. replace (q * (Rabs (IZR (nth i (snd (neuron p j)) 0%Z)) / D) * D)
        with (q * Rabs (IZR (nth i (snd (neuron p j)) 0%Z))) by (field; lra). exact H.
    + rewrite nth_overflow by auto. rewrite Rabs_R0. unfold Rdiv. rewrite Rmult_0_l, Rmult_0_r. auto.
  - intros j Hj. specialize (In_p j Hj). rewrite forallb_forall in H. specialize (H _ In_p).
    apply Z.leb_le, IZR_le in H. rewrite !mult_IZR in H. fold q D in H. apply length_R; auto. fold D.
    apply Rmult_le_reg_l with (q * q); [nra|].
    replace (q * q * (IZR k / q * D * (IZR k / q * D))) with (IZR k * D * (IZR k * D)) by (field; lra). exact H.
  - apply Z.leb_le, IZR_le in H. rewrite !mult_IZR in H. fold q D in H.
    apply Rle_trans with (/ D * IZR (fold_right (fun v s => Z.sqrt_up (dotZ (snd v) (snd v)) + s)%Z 0%Z (snd p))).
    + rewrite <- Lm. unfold pW, pa, neuron. fold D. clear - HD Ld.
      induction (snd p) as [|v l IH]; cbn [length fold_right]; [simpl; lra|].
      rewrite sumlt_first, plus_IZR, Rmult_plus_distr_l. cbn [nth].
      apply Rplus_le_compat; [|apply IH; intros; apply Ld; right; auto].
      set (n := dotZ (snd v) (snd v)). pose proof (Z.sqrt_up_nonneg n) as S0. apply IZR_le in S0.
      pose proof (Rinv_0_lt_compat _ HD) as Di. apply length_R; auto; [apply Ld; left; auto|nra|].
      fold D n. replace (/ D * IZR (Z.sqrt_up n) * D) with (IZR (Z.sqrt_up n)) by (field; lra). rewrite <- mult_IZR. apply IZR_le.
      apply Z.sqrt_sqrt_up_spec. apply le_IZR. unfold n. rewrite dotZ_dot, (dot_sumlt _ d) by (apply Ld; left; auto). apply sumlt_squares.
    + apply Rmult_le_reg_l with (q * D); [nra|].
      replace (q * D * (IZR k / q)) with (IZR k * D) by (field; lra).
      eapply Rle_trans; [apply Req_le|exact H]. field. lra.
  - apply spectral_bounded.
    assert (P : forall j, (j < m)%nat -> snd (nth j (map (fun v : unit_neuron => (v, 1%Z)) (snd p)) ((true, []), 0%Z)) = 1%Z).
    { intros j Hj. rewrite (nth_indep _ _ ((true, @nil Z), 1%Z)) by (rewrite map_length; lia).
      rewrite (map_nth (fun v : unit_neuron => (v, 1%Z)) (snd p) (true, [])). reflexivity. }
    assert (B : bounded m d (fun j i => pa p j * pW p j i) (fun j => sqrt 1) (IZR k / q)).
    { apply (shared_bounded m d _ (fun _ => 1) (fun j => IZR (snd (nth j (map (fun v : unit_neuron => (v, 1%Z)) (snd p)) ((true, []), 0%Z))) / IZR 1)); auto.
      - intros j Hj. rewrite P by auto. split; [lra|]. split; [|right]; lra.
      - apply (Wd 1%Z (map (fun v => (v, 1%Z)) (snd p))); auto; try (apply lt_IZR; exact Hq); try lia.
        + rewrite map_map. cbn. apply map_id.
        + rewrite Z.mul_1_r. exact H. }
    rewrite sqrt_1 in B. exact B.
  - destruct sh as [[E F] l]. rewrite !andb_true_iff in H. destruct H as [[[[[HE HF] Hl] HS] HA] HW].
    apply Z.ltb_lt in HE, HF. apply Nat.eqb_eq in Hl. apply Z.leb_le, IZR_le in HS. pose proof (IZR_lt _ _ HE) as RE. pose proof (IZR_lt _ _ HF) as RF.
    set (all := map _ (combine (snd p) l)) in *. set (L := map _ all) in HW.
    assert (La : length all = m) by (unfold all; rewrite map_length, combine_length; lia).
    assert (N : forall j, (j < m)%nat -> nth j L ((true, []), 0%Z) = (neuron p j, inverse E F (nth j l 0%Z)) /\
      In (neuron p j, (nth j l 0%Z, inverse E F (nth j l 0%Z))) all).
    { intros j Hj. set (g := fun v : unit_neuron * Z => (fst v, (snd v, inverse E F (snd v)))).
      assert (Na : nth j all (g ((true, []), 0%Z)) = (neuron p j, (nth j l 0%Z, inverse E F (nth j l 0%Z)))).
      { unfold all. rewrite (map_nth g), combine_nth by auto. reflexivity. }
      split; [|rewrite <- Na; apply nth_In; lia]. unfold L.
      set (h := fun v : unit_neuron * (Z * Z) => (fst v, snd (snd v))).
      rewrite (nth_indep _ _ (h (g ((true, []), 0%Z)))) by (rewrite map_length; lia). rewrite (map_nth h), Na. reflexivity. }
    apply summing_bounded. exists (fun j => sqrt (IZR (nth j l 0%Z) / IZR E)).
    assert (Pos : forall j, (j < m)%nat -> 0 <= IZR (nth j l 0%Z) / IZR E /\ 0 <= IZR (inverse E F (nth j l 0%Z)) / IZR F /\
      ((forall i, (i < d)%nat -> pa p j * pW p j i = 0) \/ 1 <= IZR (nth j l 0%Z) / IZR E * (IZR (inverse E F (nth j l 0%Z)) / IZR F))).
    { intros j Hj. destruct (N j Hj) as [_ Ij]. rewrite forallb_forall in HA. specialize (HA _ Ij). cbn [fst snd] in HA.
      rewrite !andb_true_iff in HA. destruct HA as [[A0 B0] Z]. apply Z.leb_le, IZR_le in A0, B0.
      pose proof (Rinv_0_lt_compat _ RE) as IE. pose proof (Rinv_0_lt_compat _ RF) as IF.
      split; [apply Rmult_le_pos; lra|]. split; [apply Rmult_le_pos; lra|]. apply orb_prop in Z as [Z|Z].
      - left. intros i _. unfold pW. rewrite (zerob_vec (snd (neuron p j)) i Z). unfold Rdiv. ring.
      - right. apply Z.leb_le, IZR_le in Z. rewrite !mult_IZR in Z. apply Rmult_le_reg_l with (IZR E * IZR F); [nra|].
        replace (IZR E * IZR F * (IZR (nth j l 0%Z) / IZR E * (IZR (inverse E F (nth j l 0%Z)) / IZR F)))
          with (IZR (nth j l 0%Z) * IZR (inverse E F (nth j l 0%Z))) by (field; lra). lra. }
    split; [|split; [|auto]].
    + apply norm_least; [lra|].
      rewrite (sumlt_ext m _ (fun j => / IZR E * IZR (nth j l 0%Z))).
      2:{ intros j Hj. rewrite sqrt_sqrt by apply (Pos j Hj). unfold Rdiv. ring. }
      rewrite sumlt_scale. replace (sumlt m _) with (IZR (fold_right Z.add 0%Z l)).
      * apply Rmult_le_reg_l with (IZR E); auto. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra. lra.
      * rewrite <- Lm, <- Hl. clear. induction l as [|A l IH]; [reflexivity|]. cbn [fold_right length]. rewrite plus_IZR, sumlt_first, IH. reflexivity.
    + apply (shared_bounded m d _ _ (fun j => IZR (inverse E F (nth j l 0%Z)) / IZR F)); auto.
      intros z. rewrite (sumlt_ext m _ (fun j => IZR (snd (nth j L ((true, []), 0%Z))) / IZR F *
        (sumlt d (fun i => z i * (pa p j * pW p j i)) * sumlt d (fun i => z i * (pa p j * pW p j i))))).
      2:{ intros j Hj. destruct (N j Hj) as [-> _]. reflexivity. }
      apply (Wd F L); auto; [apply lt_IZR; exact Hq|]. unfold L, all. rewrite !map_map. cbn [fst snd].
      clear - Hl. revert l Hl. induction (snd p) as [|v ns IH]; intros [|A l] Hl; simpl in Hl; try discriminate; cbn [combine map fst]; auto.
      rewrite IH by lia. reflexivity.
Qed.
End Inside.
